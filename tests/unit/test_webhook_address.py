"""Where a webhook may go: nothing inside, however it is spelt."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from features.errors import InputError
from models.webhook_address import AllowList, is_allowed, is_public, read_destination

TRICKS = (
    "",
    "hooks.example.com",
    "//hooks.example.com/x",
    "ftp://hooks.example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:25/_x",
    "javascript:alert(1)",
    "http://hooks.example.com/",
    "https://",
    "https:///x",
    "https://:443/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0x7f.0.0.0x1/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0/",
    "https://127.0.0.1/",
    "https://127.0.0.1./",
    "https://10.0.0.8/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:8.8.8.8]/",
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[127.0.0.1]/",
    "https://[::1/",
    "https://hooks.example.com./",
    "https://.example.com/",
    "https://hooks..example.com/",
    "https://-hooks.example.com/",
    "https://hooks_1.example.com/",
    "https://hooks.example.123/",
    "https://hooks.example.0x1f/",
    "https://" + "a" * 64 + ".example.com/",
    "https://user@hooks.example.com/",
    "https://user:pass@hooks.example.com/",
    "https://hooks.example.com@127.0.0.1/",
    "https://hooks.example.com#@127.0.0.1/",
    "https://hooks.example.com/#fragment",
    "https://hooks.example.com\\@127.0.0.1/",
    "https://hooks.example.com\t.evil.example/",
    "https://hooks.example.com/a b",
    "https://hooks.example.com/\r\nX-Injected: 1",
    "https://hooks.example.com/\x00",
    "https://hooks.exämple.com/",
    "https://\u2460\u2461\u2466.0.0.1/",
    "https://hooks.example.com\u3002evil.example/",
    "https://hooks%2eexample.com/",
    "https://%31%32%37.0.0.1/",
    "https://hooks.example.com:0/",
    "https://hooks.example.com:65536/",
    "https://hooks.example.com:/",
    "https://hooks.example.com:x/",
    "https://hooks.example.com/" + "a" * 2000,
)  # fmt: skip
INSIDE = (
    "0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.8.8.8",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1",
    "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.2.3",
    "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1",
    "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8", "100::1", "2001::1",
    "2001:db8::1", "2002:0808:0808::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1",
    "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "2606:4700::1%eth0", "fec0::1", "ff02::1",
    "4000::1",
)  # fmt: skip
OPEN = ("8.8.8.8", "1.1.1.1", "100.128.0.1", "172.32.0.1", "192.0.1.1", "2606:4700::1",
        "2a00:1450:4001::1", "64:ff9b::8.8.8.8")  # fmt: skip


@pytest.mark.parametrize("url", TRICKS, ids=lambda url: repr(url)[:50])
def test_a_url_that_means_harm_or_two_things_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InputError) as caught:
        read_destination(url)
    (problem,) = caught.value.problems
    assert problem.remedy
    assert len(url) < 9 or url not in str(problem)


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("https://crm.example.com", "https://crm.example.com/"),
        ("HTTPS://CRM.Example.com:443/", "https://crm.example.com/"),
        (
            "https://crm.example.com:8443/hooks/geheim?token=geheim",
            "https://crm.example.com:8443/…",
        ),
        ("https://xn--hooks-example-zza.de/?geheim", "https://xn--hooks-example-zza.de/…"),
        ("https://8.8.8.8/hook", "https://8.8.8.8/…"),
        ("https://[2606:4700::1]:8443/", "https://[2606:4700::1]:8443/"),
    ],
)
def test_a_plain_url_is_read_and_shown_without_what_may_be_secret(url: str, label: str) -> None:
    assert read_destination(url).label == label


def test_path_and_query_are_sent_as_they_are() -> None:
    found = read_destination("https://crm.example.com/a%2Fb;c/?x=1&y=%20")
    assert (found.host, found.port, found.path) == ("crm.example.com", 443, "/a%2Fb;c/?x=1&y=%20")
    assert read_destination("https://crm.example.com?x=1").path == "/?x=1"


@pytest.mark.parametrize("text", INSIDE)
def test_what_is_not_on_the_open_internet_is_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", OPEN)
def test_what_is_on_the_open_internet_is_public(text: str) -> None:
    assert is_public(ip_address(text))


def test_a_name_on_the_list_may_lead_inside_but_not_to_this_link() -> None:
    allowed = AllowList(["CRM.intern"])
    for text in ("10.0.0.1", "127.0.0.1", "192.168.1.1", "100.64.0.1", "fd00::1", "::1", "8.8.8.8"):
        assert is_allowed("crm.intern", ip_address(text), allowed)
    for text in ("169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1", "::ffff:10.0.0.1"):
        assert not is_allowed("crm.intern", ip_address(text), allowed)
    assert not is_allowed("other.intern", ip_address("10.0.0.1"), allowed)


def test_a_network_on_the_list_lets_every_name_in_and_nothing_beside_it() -> None:
    allowed = AllowList(["10.20.0.0/16", "192.168.7.7", "fd00:1::/64"])
    for text in ("10.20.255.1", "192.168.7.7", "fd00:1::9"):
        assert is_allowed("any.example", ip_address(text), allowed)
    for text in ("10.21.0.1", "192.168.7.8", "fd00:2::1", "::ffff:10.20.0.1"):
        assert not is_allowed("any.example", ip_address(text), allowed)
    assert read_destination("http://10.20.0.9:8080/x", allowed).port == 8080


@pytest.mark.parametrize(
    "host", ["localhost", "a.localhost", "printer.local", "crm.internal", "nas.home.arpa"]
)
def test_a_name_that_the_open_internet_cannot_have_needs_the_list(host: str) -> None:
    for url in (f"https://{host}/", f"https://{host.upper()}:8443/x"):
        with pytest.raises(InputError, match="must not be a private address"):
            read_destination(url)
    # A network lets in whatever leads there, and so is asked when a message is sent.
    for allowed in (AllowList([host]), AllowList(["10.20.0.0/16"])):
        assert read_destination(f"https://{host}/", allowed).host == host
    assert read_destination(f"https://{host}.example.com/").port == 443
    assert read_destination("https://mylocalhost/").host == "mylocalhost"


def test_http_is_for_targets_on_the_list_alone() -> None:
    allowed = AllowList(["crm.intern", "10.20.0.0/16"])
    assert read_destination("http://crm.intern/x", allowed).scheme == "http"
    for url in ("http://crm.example.com/", "http://sub.crm.intern/", "http://8.8.8.8/"):
        with pytest.raises(InputError, match="must begin with https://"):
            read_destination(url, allowed)


@pytest.mark.parametrize("entry", ["", "10.0.0.1/8", "*.intern", "https://crm.intern", "a b"])
def test_an_entry_that_is_neither_name_nor_network_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="is no host name, address or network"):
        AllowList([entry])
