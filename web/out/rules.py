"""Where webhooks may go, when a failed one is tried again, and the refusals. No network here."""

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from wms.errors import N_, Kind, WmsError

# Seconds before each further try; after the last one a delivery is dead (about 30 hours in all).
WAITS_S = (5, 60, 300, 1_800, 7_200, 18_000, 36_000, 43_200)
LONGEST_WAIT_S = 43_200
GONE = 410


class BadWebhookUrl(WmsError):
    """The address cannot be called, or may not be."""

    code = "bad_webhook_url"
    kind = Kind.INVALID
    text = N_("%(url)s cannot be called: %(reason)s")


class UnknownWebhook(WmsError):
    """There is no such subscription, or it is not the caller's."""

    code = "unknown_webhook"
    kind = Kind.NOT_FOUND
    text = N_("There is no webhook %(webhook)s.")


class WebhookExists(WmsError):
    """Two subscriptions would answer to one name."""

    code = "webhook_exists"
    kind = Kind.CONFLICT
    text = N_("There is already a webhook %(webhook)s.")


class UnknownDelivery(WmsError):
    """There is no such delivery, or it is not the caller's."""

    code = "unknown_delivery"
    kind = Kind.NOT_FOUND
    text = N_("There is no delivery %(delivery)s.")


class DeliveryQueued(WmsError):
    """It waits already; sending it again would only make it wait twice."""

    code = "delivery_queued"
    kind = Kind.CONFLICT
    text = N_("Delivery %(delivery)s waits to be sent already.")


HTTPS_ONLY = N_("only https is allowed")
NO_HOST = N_("there is no host in it")
NO_LOGIN = N_("a login does not belong into it")
NOT_LISTED = N_("its host is not on the list of allowed hosts")
PRIVATE = N_("its host lies in a private network")


@dataclass(frozen=True)
class Target:
    """An address taken apart."""

    host: str
    port: int
    path: str
    is_tls: bool


def target_of(url: str, *, allowed_hosts: Collection[str], private_allowed: bool) -> Target:
    """Return an address taken apart. Raises BadWebhookUrl unless it is https to a host on the list (empty: any).

    ``private_allowed`` also allows plain http: for tests and for partners inside the same network.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadWebhookUrl(field="url", url=url[:100], reason=NO_HOST) from None
    host = (parts.hostname or "").rstrip(".").lower()
    if parts.scheme != "https" and not (private_allowed and parts.scheme == "http"):
        raise BadWebhookUrl(field="url", url=url[:100], reason=HTTPS_ONLY)
    if not host or not all(sign.isprintable() and not sign.isspace() for sign in url):
        raise BadWebhookUrl(field="url", url=url[:100], reason=NO_HOST)
    if parts.username or parts.password:
        raise BadWebhookUrl(field="url", url=url[:100], reason=NO_LOGIN)
    if allowed_hosts and not any(_matches(host, one) for one in allowed_hosts):
        raise BadWebhookUrl(field="url", url=url[:100], reason=NOT_LISTED)
    is_tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(host, port or (443 if is_tls else 80), path, is_tls)


def _matches(host: str, listed: str) -> bool:
    """Whether a host is the one listed, or lies under a listed ``.domain``."""
    return host == listed or (listed.startswith(".") and host.endswith(listed))


def pinned(addresses: Sequence[str], *, private_allowed: bool) -> str | None:
    """Return the address to connect to; None when any of them lies in a private, local or reserved network.

    All of a host's addresses must be public: a name that also points inside is a trick, not a partner.
    """
    found = [ipaddress.ip_address(one) for one in addresses]
    plain = [one.ipv4_mapped or one if isinstance(one, ipaddress.IPv6Address) else one for one in found]
    if not plain or not (private_allowed or all(one.is_global and not one.is_multicast for one in plain)):
        return None
    return str(found[0])


def wait_s(tries: int, asked_s: int | None = None) -> int | None:
    """Return how long to wait after ``tries`` failed ones (what the receiver asked for, if longer); None: no more."""
    if tries > len(WAITS_S):
        return None
    return min(LONGEST_WAIT_S, max(WAITS_S[tries - 1], asked_s or 0))
