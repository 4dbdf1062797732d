"""What a browser may do with an answer that is for people: nothing that the page did not ask for.

References
----------
W3C Content Security Policy Level 3; OWASP HTTP Headers Cheat Sheet.
"""

from __future__ import annotations

from serving.visit import Header

POLICY = (
    b"default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    b"frame-ancestors 'none'; base-uri 'none'"
)
PAGE_HEADERS: tuple[Header, ...] = (
    (b"cache-control", b"private, no-store"),
    (b"content-security-policy", POLICY),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    # Not no-referrer: a browser would then say of our own forms that they come from nowhere.
    (b"referrer-policy", b"same-origin"),
)
