"""Where a webhook may go: which URLs are read at all, and which addresses are public.

References
----------
IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890); RFC 6052 (addresses that hold an
IPv4 one); OWASP, Server Side Request Forgery Prevention.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import urlsplit

from features.errors import InputError, Problem

Address = IPv4Address | IPv6Address

LONGEST_URL = 2000
PORTS = {"https": 443, "http": 80}
# No label that ends the name may look like a number: some readers take 0x7f.1 for 127.0.0.1.
NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*"
                  r"(?!0x)[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")  # fmt: skip
PLAIN = re.compile(r"[\x21-\x5b\x5d-\x7e]+")  # printable ASCII without blanks and backslash
# Names that no server of the open internet may have (RFC 6761, 6762, 8375; ICANN's .internal).
INSIDE_NAME = re.compile(r"(?:.+\.)?(?:localhost|local|internal|home\.arpa)")
GLOBAL_UNICAST = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")
# 6to4; Teredo and its like; documentation, which not every Python knows of.
SPECIAL_6 = tuple(map(IPv6Network, ("2002::/16", "2001::/23", "2001:db8::/32", "3fff::/20")))
SPECIAL_4 = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))
# What a name on the allow-list may lead to; anything else private has to be named by its network.
INSIDE = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
    )
)


@dataclass(frozen=True, slots=True)
class Destination:
    """A URL in parts.

    Parameters
    ----------
    scheme : str
        ``https`` or ``http``.
    host : str
        A name in lower case, or an address without brackets.
    port : int
    path : str
        With the query; begins with a slash.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def label(self) -> str:
        """What people and logs may see: the query may hold a secret, and often so does the path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{'/…' if self.path != '/' else '/'}"


class AllowList:
    """Private targets that the configuration lets in.

    Parameters
    ----------
    entries : iterable of str
        Names of hosts, exact, whose addresses may be private; and addresses or networks (CIDR).

    Raises
    ------
    ValueError
        One is neither.
    """

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self._names: set[str] = set()
        self._networks: list[IPv4Network | IPv6Network] = []
        for entry in entries:
            try:
                self._networks.append(ip_network(entry))
            except ValueError:
                if not NAME.fullmatch(entry.lower()):
                    raise ValueError(f"{entry!r} is no host name, address or network") from None
                self._names.add(entry.lower())

    def __bool__(self) -> bool:
        """Whether it lets anything in."""
        return bool(self._names or self._networks)

    def admits(self, host: str, address: Address) -> bool:
        """Whether a host may lead to an address that is not public."""
        if any(address in network for network in self._networks):
            return True
        return host in self._names and any(address in network for network in INSIDE)

    def names(self, host: str) -> bool:
        """Whether the host itself is on the list, by its name or its address."""
        if host in self._names:
            return True
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._networks)


def split_url(url: str) -> Destination:
    """The parts of a URL that can be read in one way only.

    Raises
    ------
    InputError
        It cannot. The URL is not repeated: it may hold a secret.
    """
    fault = _fault(url)
    if fault is not None:
        raise _refusal(*fault)
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = (parts.hostname or "").lower()
    return Destination(parts.scheme, host, parts.port or PORTS[parts.scheme], path)


def read_destination(url: str, allowed: AllowList | None = None) -> Destination:
    """The same of a URL that a webhook may be sent to, as far as its text tells.

    Whether its host leads to a public address is asked with each message, see `is_allowed`.

    Parameters
    ----------
    url : str
    allowed : AllowList, optional
        Private targets; only these may be ``http``.

    Raises
    ------
    InputError
        It is none.
    """
    found, allowed = split_url(url), allowed or AllowList()
    if found.scheme == "http" and not allowed.names(found.host):
        raise _refusal(
            "must begin with https://: http is for targets under webhooks.allow_private only",
            "use https, or name the host there and give --config",
        )
    try:
        is_inside = not is_allowed(found.host, ip_address(found.host), allowed)
    except ValueError:
        # A network on the list lets in every name that leads there, which is seen when it is sent.
        is_inside = not allowed and INSIDE_NAME.fullmatch(found.host) is not None
    if is_inside:
        raise _refusal("must not be a private address", "name it under webhooks.allow_private")
    return found


def is_public(address: Address) -> bool:
    """Whether an address is one of the open internet, for all that it may stand for.

    Of IPv6 only global unicast is, without the tunnels that carry IPv4, and what NAT64 makes of a
    public IPv4 address. IPv4 in IPv6 by any other way is refused, also a public one.
    """
    if isinstance(address, IPv4Address):
        special = any(address in network for network in SPECIAL_4)
        return address.is_global and not (address.is_multicast or address.is_reserved or special)
    if address.scope_id is not None:
        return False
    if address in NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    special = any(address in network for network in SPECIAL_6)
    return address in GLOBAL_UNICAST and address.is_global and not special


def is_allowed(host: str, address: Address, allowed: AllowList) -> bool:
    """Whether a message to a host may be sent to one of its addresses."""
    return is_public(address) or allowed.admits(host, address)


def _fault(url: str) -> tuple[str, str] | None:
    """What is wrong with the text of a URL, and what to do."""
    example = "write one like https://crm.example.com/hooks/keepwell"
    if not (PLAIN.fullmatch(url) and len(url) <= LONGEST_URL):
        rule = f"must have 1 to {LONGEST_URL:,} printable ASCII characters, no blank and no \\"
        return rule, "write other letters percent-encoded, those of a host name as xn--…"
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return "cannot be read", example
    if parts.scheme not in PORTS:
        return "must begin with https://", example
    if "@" in parts.netloc or "#" in url:
        rule = "must have no user, password or fragment"
        return rule, "leave them out: the signature tells who sends it"
    if port == 0 or parts.netloc.endswith(":") or not _is_host(parts.netloc, host):
        rule = "has no host that can be read in one way only"
        return rule, "write a name such as crm.example.com, or an address with all its four numbers"
    return None


def _refusal(rule: str, remedy: str) -> InputError:
    return InputError([Problem("webhooks", "url", rule, remedy=remedy)])


def _is_host(netloc: str, host: str) -> bool:
    if netloc.startswith("["):
        try:
            return isinstance(ip_address(host), IPv6Address) and "%" not in host
        except ValueError:
            return False
    try:
        return isinstance(ip_address(host), IPv4Address)
    except ValueError:
        return NAME.fullmatch(host) is not None
