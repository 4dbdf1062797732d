"""How often anybody may try to sign in: from one address, and all together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address
from math import ceil

from serving.limit import Counter, Policy
from serving.proxy import Proxy
from serving.visit import Header

OF_ADDRESS = Policy(10, 60)
OF_ALL = Policy(100, 60)
PLACES = 4096  # so many counters for all addresses there are, none of which is kept anywhere
ALL = "sign-in"


class SignInLimit:
    """Attempts to sign in, with and without success.

    A key's secret cannot be guessed; this keeps whoever tries from the store and from the log.

    Parameters
    ----------
    counter : Counter
        The same that counts the requests of keys.
    """

    def __init__(self, counter: Counter) -> None:
        self._counter = counter

    async def count(self, address: str) -> int:
        """Count an attempt; seconds to wait when it is one too many, else 0.

        Parameters
        ----------
        address : str
            As `find_address` tells it.
        """
        digest = hashlib.sha256(address.encode("utf-8", "replace")).digest()
        place = int.from_bytes(digest[:8], "big") % PLACES
        # An address that is over its own count does not use up what is for all.
        for name, policy in ((f"{ALL}:{place}", OF_ADDRESS), (ALL, OF_ALL)):
            count, left_s = await self._counter.count(name, policy, 1)
            if count > policy.quota:
                return max(1, ceil(left_s))
        return 0


def find_address(proxy: Proxy | None, peer: str | None, headers: Sequence[Header]) -> str:
    """Whose attempts are counted together: an IPv4 address, or a network as one household has it.

    Parameters
    ----------
    proxy : Proxy or None
        Its word for whom it speaks is taken: the last entry of ``X-Forwarded-For``.
    peer : str or None
        The other end of the connection.
    headers : sequence of (bytes, bytes)
        Of the request.
    """
    told = [value for name, value in headers if name == b"x-forwarded-for"]
    if told and proxy is not None and proxy.is_at(peer):
        peer = told[-1].rpartition(b",")[2].strip().decode("ascii", "replace")
    try:
        address = ip_address(peer or "")
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or int(address) >> 64)
    return str(address)
