"""Whom we believe: customs' certificates as dated data, and what becomes of a message of customs that does not hold.

Nothing is judged while no certificate is on record. From then on a broken signature, or one of an unknown certificate,
is kept and not acted upon; one that is missing, or that no module here can judge (SM2), only where customs is known to
sign everything (``must_be_signed``).
"""

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from lxml import etree
from sqlalchemy.orm import Session

from wms.customs.clock import BEIJING
from wms.customs.messages import spec
from wms.customs.messages.reading import Unreadable, parse
from wms.customs.messages.signing import WORDS, verify
from wms.errors import N_, WmsError
from wms.parties import dated

TRUST = "customs.trust"


class BadTrust(WmsError):
    """What was entered as trusted certificates is none."""

    code = "customs_trust_unreadable"
    text = N_("The dated value %(setting)s holds a certificate that cannot be read: %(reason)s")


class NotBelieved(WmsError):
    """The signature of a message does not hold, or is nobody's that we trust."""

    code = "customs_signature_not_believed"
    text = N_("It was kept and not acted upon. %(reason)s")


def judged(session: Session, data: bytes, at: datetime) -> tuple[str | None, WmsError | None]:
    """Return what is found of a signature, None where nobody is trusted yet; and why it is not acted upon."""
    said = dated.value(session, TRUST, at.astimezone(BEIJING).date())
    if not said["certificates"]:
        return None, None
    try:
        known = certificates(tuple(said["certificates"]))
    except ValueError as fault:
        return None, BadTrust(setting=TRUST, reason=str(fault)[:200])
    state = verify(data, known).state
    is_believed = state == "valid" or (state in ("unsigned", "not_judged") and not said["must_be_signed"])
    return state, None if is_believed else NotBelieved(reason=WORDS[state])


def is_doubted(session: Session, kind: str, data: bytes, at: datetime) -> bool:
    """Whether a message of customs is not to be acted upon for its signature's sake."""
    known = spec.kinds().get(kind)
    return known is not None and known.is_receipt and judged(session, data, at)[1] is not None


def bare(data: bytes) -> bytes:
    """Return a message of customs without its signature, for which its schema has no place; any other as it is."""
    if spec.SIGNATURE_NAMESPACE.encode() not in data:
        return data
    try:
        root = parse(data, keeps_all=True)
        is_receipt = spec.kind(etree.QName(root).localname[:6]).is_receipt
    except (Unreadable, LookupError, ValueError):
        return data  # what is wrong with it is said where it is read
    found = root.findall(spec.SIGNATURE_TAG) if is_receipt else []
    for one in found:
        root.remove(one)
    stripped: bytes = etree.tostring(root, method="c14n")
    return stripped if found else data


@lru_cache(maxsize=8)
def certificates(pem: tuple[str, ...]) -> Collection[x509.Certificate]:
    """Return the certificates of PEM texts. Raises ValueError."""
    return [one for text in pem for one in x509.load_pem_x509_certificates(text.encode())]
