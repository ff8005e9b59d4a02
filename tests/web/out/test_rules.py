"""Where webhooks may go, and when a failed one is tried again."""

import pytest

from web.out.rules import LONGEST_WAIT_S, WAITS_S, BadWebhookUrl, pinned, target_of, wait_s


def test_takes_an_address_apart() -> None:
    target = target_of("https://ERP.example.com:8443/a/b?c=d", allowed_hosts=(), private_allowed=False)
    assert (target.host, target.port, target.path, target.is_tls) == ("erp.example.com", 8443, "/a/b?c=d", True)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "https://", "https:///x", "https://user:pw@example.com/",
        "https://example.com:99999/", "https://exa mple.com/", "https://example.com/\r\nX: y", "javascript:alert(1)",
        "https://evil.example.org/", "https://notexample.com/",
    ],
)  # fmt: skip
def test_refuses_an_address_that_is_not_for_webhooks(url: str) -> None:
    with pytest.raises(BadWebhookUrl):
        target_of(url, allowed_hosts=("example.com", ".example.net"), private_allowed=False)


def test_a_listed_domain_admits_the_hosts_under_it() -> None:
    for host in ("example.com", "a.example.net", "a.b.example.net"):
        assert target_of(f"https://{host}/", allowed_hosts=("example.com", ".example.net"), private_allowed=False)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.9", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
        "::1", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    ],
)  # fmt: skip
def test_inner_addresses_are_not_called(address: str) -> None:
    assert pinned([address], private_allowed=False) is None
    assert pinned(["93.184.216.34", address], private_allowed=False) is None
    assert pinned([address], private_allowed=True) is not None


def test_a_public_address_is_pinned() -> None:
    assert pinned(["93.184.216.34", "2606:2800:220:1::1"], private_allowed=False) == "93.184.216.34"
    assert pinned([], private_allowed=True) is None


def test_waits_grow_and_end() -> None:
    waits = [wait_s(tries) for tries in range(1, len(WAITS_S) + 2)]
    assert waits == [*WAITS_S, None]
    assert wait_s(1, 120) == 120
    assert wait_s(1, 10**7) == LONGEST_WAIT_S
