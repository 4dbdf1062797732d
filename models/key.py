"""Keys to the service: what one may do, how its secret is made, kept and compared."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, get_args

from features.errors import InputError, Problem
from models.row_filter import EVERYTHING, RowFilter
from models.snapshot_check import is_storable

Scope = Literal["scores:read", "scores:compute", "people:read", "feedback:write", "admin"]
Status = Literal["active", "expired", "revoked"]

SCOPES: tuple[Scope, ...] = get_args(Scope)
MARK = "kw_"  # lets scanners of source code find a key that was committed
ID_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"  # no letters that are read for one another
ID_LENGTH = 8
SECRET_BYTES = 32  # 43 characters; as long as the hash, so that nothing shorter is guessed
TOKEN = re.compile(rb"kw_([0-9a-hjkmnp-tv-z]{8})_([A-Za-z0-9_-]{43})")
SHOWN = re.compile(r"(?:kw_)?([0-9a-hjkmnp-tv-z]{8})(?:_[A-Za-z0-9_-]{43})?")
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as it is kept: nothing in it opens anything.

    Parameters
    ----------
    key_id : str
        8 characters, the part of the token that is no secret.
    name : str
        What people call it; need not be its alone.
    secret_hash : str
        SHA-256 of the secret, hexadecimal. The secret is 256 random bits, so that a slow hash
        would protect nothing and cost every request.
    scopes : frozenset of str
        Of `SCOPES`; none includes another.
    row_filter : RowFilter
        The accounts that it sees.
    created_at : datetime
        With a time zone, like all others.
    expires_at : datetime or None
        From then on it opens nothing; None: never.
    last_used_at : datetime or None
        To about a minute; None when it was never used.
    revoked_at : datetime or None
        Since when it opens nothing; None when it was not revoked.
    replaced_by : str or None
        Id of the key that rotation put in its place.
    """

    key_id: str
    name: str
    secret_hash: str = field(repr=False)
    scopes: frozenset[Scope]
    row_filter: RowFilter
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    replaced_by: str | None = None

    @property
    def prefix(self) -> str:
        """How the token begins, by which a key is known without its secret."""
        return MARK + self.key_id

    def status(self, now: datetime) -> Status:
        """Whether it opens anything at a moment, and else why not."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"

    def to_json(self, now: datetime) -> dict[str, object]:
        """The key for people and programs, without the hash."""
        return {
            "key_id": self.key_id,
            "prefix": self.prefix,
            "name": self.name,
            "status": self.status(now),
            "scopes": [scope for scope in SCOPES if scope in self.scopes],
            "row_filter": self.row_filter.to_json(),
            "replaced_by": self.replaced_by and MARK + self.replaced_by,
            **{
                name: moment and moment.isoformat(timespec="seconds")
                for name, moment in (
                    ("created_at", self.created_at),
                    ("expires_at", self.expires_at),
                    ("last_used_at", self.last_used_at),
                    ("revoked_at", self.revoked_at),
                )
            },
        }


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made, and its token, which nobody can show again."""

    key: Key
    token: str = field(repr=False)


def make_key(
    name: str,
    scopes: Collection[str],
    row_filter: RowFilter = EVERYTHING,
    *,
    now: datetime,
    expires_at: datetime | None = None,
) -> NewKey:
    """A key with a secret of its own, not stored yet.

    Parameters
    ----------
    name : str
        1 to 100 printable characters.
    scopes : collection of str
        At least one of `SCOPES`.
    row_filter : RowFilter
        The accounts that it sees.
    now : datetime
        With a time zone.
    expires_at : datetime or None
        After `now`; None: never.

    Raises
    ------
    InputError
        Everything that is wrong with it; also ``admin`` with a row filter, since who makes keys
        and webhooks can see everything.
    """
    problems = key_problems(name, scopes, row_filter, now=now, expires_at=expires_at)
    if problems:
        raise InputError(problems)
    key_id = "".join(secrets.choice(ID_DIGITS) for _ in range(ID_LENGTH))
    secret = secrets.token_urlsafe(SECRET_BYTES)
    key = Key(
        key_id=key_id,
        name=name.strip(),
        secret_hash=hash_secret(secret.encode("ascii")),
        scopes=frozenset(scope for scope in SCOPES if scope in scopes),
        row_filter=row_filter,
        created_at=now,
        expires_at=expires_at,
    )
    return NewKey(key, f"{key.prefix}_{secret}")


def succeed_key(key: Key, *, now: datetime, overlap: timedelta) -> tuple[NewKey, datetime]:
    """The key that takes another one's place, and when the old one ends.

    The new one has the same name, scopes and filter, and lives as long as the old one was made
    to.

    Parameters
    ----------
    key : Key
        The old one, active.
    now : datetime
        With a time zone.
    overlap : timedelta
        How long both open; the old one never lives longer than it would have.

    Raises
    ------
    InputError
        The old one is revoked, expired or already replaced.
    """
    status = key.status(now)
    if status != "active" or key.replaced_by is not None:
        rule = f"{key.prefix} is {status} and cannot be rotated"
        remedy = "make one with: keepwell keys create"
        if key.replaced_by is not None:
            rule = f"{key.prefix} was replaced by {MARK}{key.replaced_by} already"
            remedy = "rotate that one"
        raise InputError([Problem("keys", "", rule, remedy=remedy)])
    until = None if key.expires_at is None else now + (key.expires_at - key.created_at)
    new = make_key(key.name, key.scopes, key.row_filter, now=now, expires_at=until)
    end = now + overlap
    return new, end if key.expires_at is None else min(end, key.expires_at)


def hash_secret(secret: bytes) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret).hexdigest()


def is_secret(secret: bytes, secret_hash: str) -> bool:
    """Whether a secret is the one of a hash, in a time that tells nothing about either."""
    return hmac.compare_digest(hash_secret(secret), secret_hash)


def read_token(token: bytes) -> tuple[str, bytes] | None:
    """Key id and secret of a token; None for whatever else it is."""
    found = TOKEN.fullmatch(token)
    return (found[1].decode("ascii"), found[2]) if found else None


def read_key_id(text: str) -> str:
    """The id of a key that people name by its id, its prefix or, when it leaked, its token.

    Raises
    ------
    InputError
        It is none of them. The text is not repeated: it may be a secret.
    """
    found = SHOWN.fullmatch(text.strip())
    if found is None:
        rule = "a key is named by its id: 8 characters, with or without kw_ before them"
        raise InputError([Problem("keys", "", rule, remedy="see them with: keepwell keys list")])
    return found[1]


def key_problems(
    name: str,
    scopes: Collection[str],
    row_filter: RowFilter,
    *,
    now: datetime,
    expires_at: datetime | None,
) -> list[Problem]:
    """Everything that is wrong with a key that is to be made, see `make_key`."""
    problems = []
    plain = name.strip()
    if not (1 <= len(plain) <= LONGEST_NAME and plain.isprintable() and is_storable(plain)):
        rule = f"must have 1 to {LONGEST_NAME} printable characters"
        remedy = "say what uses the key, such as crm-production"
        problems.append(Problem("keys", "name", rule, remedy=remedy))
    strange = sorted(set(scopes) - set(SCOPES))
    if strange or not scopes:
        rule = f"there is no scope {', '.join(map(repr, strange))}" if strange else "has no scope"
        remedy = f"give some of {', '.join(SCOPES)}"
        problems.append(Problem("keys", "scope", rule, remedy=remedy))
    if "admin" in scopes and not row_filter.is_everything:
        rule = "admin sees every account and takes no row filter"
        remedy = "leave the filter out, or the scope admin"
        problems.append(Problem("keys", "filter", rule, remedy=remedy))
    if expires_at is not None and expires_at <= now:
        remedy = "give a later moment"
        problems.append(Problem("keys", "expires_at", "must lie in the future", remedy=remedy))
    return problems
