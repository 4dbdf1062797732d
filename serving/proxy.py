"""People whom a proxy before the service knows: what it says of them, and what each may.

Off unless the environment names a header, the addresses of the proxy and a file of people.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any

from features.errors import InputError, Problem
from models.key import SCOPES
from models.row_filter import EVERYTHING, RowFilter
from serving.caller import Caller
from serving.problem import BAD_REQUEST, FOREIGN_IDENTITY, UNKNOWN_PERSON, RequestError
from serving.visit import Header

HEADER_VARIABLE = "KEEPWELL_PROXY_HEADER"
ADDRESSES_VARIABLE = "KEEPWELL_PROXY_ADDRESSES"
PEOPLE_VARIABLE = "KEEPWELL_PROXY_PEOPLE"
HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,100}")
# Headers with a meaning of their own, which browsers or the service itself write.
TAKEN = frozenset({"authorization", "cookie", "host", "origin", "referer", "accept", "content-type",
                   "content-length", "forwarded", "x-forwarded-for", "x-request-id"})  # fmt: skip
LONGEST_NAME = 254
ID_DIGITS = 12
PAGES_NEED = "scores:read"
ENTRY = '[people."name@example.com"] with scopes = ["scores:read"]'

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy that tells who asks.

    Parameters
    ----------
    networks : tuple of Network
        Where it may stand; the same header from elsewhere is refused.
    header : bytes or None
        In lower case, in which it names a person; None: it names nobody.
    people : mapping of str to Caller
        By the name that the proxy gives, letter by letter.
    others : Caller or None
        What whoever else it names may, without an id; None: nothing.
    """

    networks: tuple[Network, ...]
    header: bytes | None = None
    people: Mapping[str, Caller] = field(default_factory=dict, repr=False)
    others: Caller | None = None

    def is_at(self, address: str | None) -> bool:
        """Whether a connection comes from the proxy, by the address of its other end."""
        try:
            found = ip_address(address or "")
        except ValueError:
            return False
        mapped = getattr(found, "ipv4_mapped", None)
        return any((mapped or found) in network for network in self.networks)

    def find_person(self, address: str | None, headers: Sequence[Header]) -> Caller | None:
        """The person that a request names; None when it names nobody.

        Parameters
        ----------
        address : str or None
            Of the other end of the connection, never what a header says.
        headers : sequence of (bytes, bytes)
            Of the request.

        Raises
        ------
        RequestError
            It comes from elsewhere, names several, or somebody who may nothing here.
        """
        named = [value for name, value in headers if name == self.header]
        if not named:
            return None
        if not self.is_at(address):
            raise RequestError(FOREIGN_IDENTITY, "A header that only the proxy may send was sent.")
        name = _read_name(named[0]) if len(named) == 1 else None
        if name is None:
            raise RequestError(BAD_REQUEST, "The proxy has to name one person, once.")
        if name in self.people:
            return self.people[name]
        if self.others is None:
            raise RequestError(UNKNOWN_PERSON, "Ask who runs this service to let you in.")
        return replace(self.others, key_id=person_id(name))


def person_id(name: str) -> str:
    """What stands for a person in logs, counts and feedback: no name, and the same every day."""
    return f"person-{hashlib.sha256(name.encode()).hexdigest()[:ID_DIGITS]}"


def read_proxy(environment: Mapping[str, str]) -> Proxy | None:
    """The proxy that the environment describes; None when it describes none.

    Raises
    ------
    InputError
        Everything that is wrong with it, or with the file of people.
    """
    header, addresses, path = (
        environment.get(name, "").strip()
        for name in (HEADER_VARIABLE, ADDRESSES_VARIABLE, PEOPLE_VARIABLE)
    )
    if not (header or addresses or path):
        return None
    problems = list(_setting_problems(header, addresses, path))
    if problems:
        raise InputError(problems)
    networks = tuple(ip_network(one) for one in _split(addresses))
    if not header:
        return Proxy(networks=networks)
    people, others = read_people(Path(path))
    return Proxy(
        networks=networks, header=header.lower().encode("ascii"), people=people, others=others
    )


def read_people(path: Path) -> tuple[dict[str, Caller], Caller | None]:
    """What each person of a TOML file may, and what everybody else whom the proxy names.

    Raises
    ------
    InputError
        Everything that is wrong with the file.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        rule = f"cannot be read ({type(fault).__name__})"
        remedy = f"write a TOML file with entries like {ENTRY}"
        raise InputError([_problem(PEOPLE_VARIABLE, rule, remedy)]) from None
    problems = list(_document_problems(document))
    if problems:
        raise InputError(problems)
    people = {
        name: _caller(person_id(name), entry) for name, entry in document.get("people", {}).items()
    }
    others = _caller(None, document["others"]) if "others" in document else None
    return people, others


def _caller(key_id: str | None, entry: Mapping[str, Any]) -> Caller:  # Any: TOML
    given = entry.get("row_filter")
    row_filter = EVERYTHING if given is None else RowFilter.parse(given)
    return Caller(key_id, frozenset(one for one in SCOPES if one in entry["scopes"]), row_filter)


def _read_name(value: bytes) -> str | None:
    """A person's name from a header; None where it is none, or a list of several."""
    try:
        name = value.decode("utf-8")
    except UnicodeDecodeError:
        return None
    is_one = 0 < len(name) <= LONGEST_NAME and name.isprintable() and "," not in name
    return name if is_one and name == name.strip() else None


def _setting_problems(header: str, addresses: str, path: str) -> Iterator[Problem]:
    if not addresses:
        rule = "is needed beside the others: whoever sends the header would be believed"
        yield _problem(ADDRESSES_VARIABLE, rule, "name the proxy's address, such as 10.0.0.5")
    for one in _split(addresses):
        try:
            network = ip_network(one)
        except ValueError:
            rule = f"{one!r} is no address and no network"
            yield _problem(ADDRESSES_VARIABLE, rule, "write 10.0.0.5 or 10.0.0.0/24")
            continue
        if network.prefixlen == 0:
            rule = f"{one!r} is every address there is"
            yield _problem(ADDRESSES_VARIABLE, rule, "name the proxy's alone")
    if bool(header) != bool(path):
        name = PEOPLE_VARIABLE if header else HEADER_VARIABLE
        rule = "is needed: a header names people, a file says what each may"
        yield _problem(name, rule, "give both, or neither")
    if header and (not HEADER_NAME.fullmatch(header) or header.lower() in TAKEN):
        rule = f"{header[:100]!r} cannot name people"
        yield _problem(HEADER_VARIABLE, rule, "use one such as X-Forwarded-Email")


def _document_problems(document: Mapping[str, Any]) -> Iterator[Problem]:  # Any: TOML
    for name in sorted(document.keys() - {"people", "others"}):
        yield _problem(PEOPLE_VARIABLE, f"there is no table {name!r}", "use people and others")
    people = document.get("people", {})
    if not isinstance(people, Mapping):
        yield _problem(PEOPLE_VARIABLE, "people must be a table", f"write {ENTRY}")
        people = {}
    # By place and not by name: messages may be logged.
    for place, (name, entry) in enumerate(people.items(), 1):
        if _read_name(name.encode()) is None:
            rule = f"the name of person {place} is none that a proxy can give"
            yield _problem(PEOPLE_VARIABLE, rule, "write it as the proxy does, without commas")
        yield from _entry_problems(f"person {place}", entry)
    if "others" in document:
        yield from _entry_problems("others", document["others"])


def _entry_problems(place: str, entry: object) -> Iterator[Problem]:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("scopes"), list):
        yield _problem(PEOPLE_VARIABLE, f"{place} has no list of scopes", f"write {ENTRY}")
        return
    scopes = entry["scopes"]
    strange = [str(one) for one in scopes if one not in SCOPES]
    strange += sorted(entry.keys() - {"scopes", "row_filter"})
    if strange:
        rule = f"{place} has what there is not: {', '.join(map(repr, strange[:5]))}"
        yield _problem(PEOPLE_VARIABLE, rule, f"give scopes of {', '.join(SCOPES)} and row_filter")
    if PAGES_NEED not in scopes:
        rule = f"{place} could see no page without {PAGES_NEED}"
        yield _problem(PEOPLE_VARIABLE, rule, "add that scope, or leave the person out")
    if "row_filter" in entry:
        try:
            row_filter = RowFilter.parse(entry["row_filter"])
        except InputError as fault:
            yield from (replace(one, table=f"{PEOPLE_VARIABLE}: {place}") for one in fault.problems)
            return
        if "admin" in scopes and not row_filter.is_everything:
            rule = f"{place}: admin sees every account and takes no row filter"
            yield _problem(PEOPLE_VARIABLE, rule, "leave out one of them")


def _split(addresses: str) -> list[str]:
    return addresses.replace(",", " ").split()


def _problem(name: str, rule: str, remedy: str) -> Problem:
    return Problem("serve", name, rule, remedy=remedy)
