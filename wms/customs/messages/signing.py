"""Enveloped XML signatures of customs messages: a port for keys, and one key of software behind it.

Customs asks for canonical XML 1.0 and RSA with SHA-1, or SM2 with SM3 from a hardware key. A hardware key or an SM2
module is another :class:`Signer`; what it signed with a method that is not known here is "not judged", never "valid".
"""

import base64
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.exceptions import InvalidCertificate, InvalidDigest, InvalidInput, InvalidSignature
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, XMLVerifier

from wms.customs.messages import spec
from wms.customs.messages.reading import Element, parse
from wms.errors import N_, Kind, WmsError

METHOD = SignatureMethod.RSA_SHA1
DIGEST = DigestAlgorithm.SHA1
_DS = {"ds": spec.SIGNATURE_NAMESPACE}
_PLACE = f'<ds:Signature xmlns:ds="{spec.SIGNATURE_NAMESPACE}" Id="placeholder"/>'


WORDS = {
    "valid": N_("The signature holds, under a certificate that is trusted."),
    "invalid": N_("The signature is broken: it does not hold for this message."),
    "untrusted": N_("The signature holds, but its certificate is unknown: nobody said that it is trusted."),
    "unsigned": N_("The message is not signed."),
    "not_judged": N_(
        "The signature was not judged: its method, SM2 with SM3 or another, needs a module that is not installed."
    ),
}


class CannotBeSigned(WmsError):
    code = "message_cannot_be_signed"
    kind = Kind.INVALID
    text = N_("%(message_type)s is a message of customs' own and is not signed by us.")


class Signer(Protocol):
    """Something that signs: takes a message as bytes and returns it with its ds:Signature in place."""

    def sign(self, data: bytes) -> bytes: ...


@dataclass(frozen=True)
class Verdict:
    """Whether a signature holds: ``valid``, ``invalid``, ``untrusted``, ``unsigned`` or ``not_judged``; and whose."""

    state: str
    key_name: str | None = None
    subject: str | None = None


class _Sha1Signer(XMLSigner):
    """Customs' specification asks for SHA-1, which the library holds back unless told."""

    def check_deprecated_methods(self) -> None:
        """Say nothing: the method is the authority's, not ours."""


@dataclass(frozen=True)
class SoftwareKey:
    """A key in a file or in memory: for tests, demonstrations and the customs counter."""

    key: RSAPrivateKey
    certificate: x509.Certificate

    @property
    def name(self) -> str:
        """The certificate's number, as KeyName has it."""
        return f"{self.certificate.serial_number:x}"

    def sign(self, data: bytes) -> bytes:
        """Return the message signed, canonical. Raises CannotBeSigned for receipts."""
        root = parse(data, keeps_all=True)
        kind = spec.kind(etree.QName(root).localname[:6])
        if kind.is_receipt:
            raise CannotBeSigned(message_type=kind.type)
        return enveloped(root, self)


def enveloped(root: Element, key: SoftwareKey) -> bytes:
    """Return a message with the signature of ``key`` in the place of its direction, canonical."""
    for old in root.findall(spec.SIGNATURE_TAG):
        root.remove(old)
    place = etree.fromstring(_PLACE)
    kind = spec.kind(etree.QName(root).localname[:6])
    last = root.find(spec.tag("ExtendMessage")) if kind.direction == "export" else None
    if last is None:
        root.append(place)
    else:
        last.addprevious(place)
    signer = _Sha1Signer(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=METHOD,
        digest_algorithm=DIGEST,
        c14n_algorithm=CanonicalizationMethod.CANONICAL_XML_1_0,
    )
    signed = signer.sign(root, key=key.key, cert=[key.certificate], key_name=key.name)
    written: bytes = etree.tostring(signed, method="c14n")
    return written


def verify(data: bytes, trusted: Collection[x509.Certificate]) -> Verdict:
    """Say whether the signature of a message holds and stands under a certificate that is trusted.

    Under a certificate that nobody trusts it is ``untrusted`` where it holds for the certificate that it brings along,
    and ``invalid`` where it does not even do that.
    """
    root = parse(data, keeps_all=True)
    signature = root.find(spec.SIGNATURE_TAG)
    if signature is None:
        return Verdict("unsigned")
    name = signature.findtext("ds:KeyInfo/ds:KeyName", namespaces=_DS)
    method = signature.find("ds:SignedInfo/ds:SignatureMethod", namespaces=_DS)
    if method is None or method.get("Algorithm") not in {one.value for one in SignatureMethod}:
        return Verdict("not_judged", name)
    said = signature.findtext("ds:KeyInfo/ds:X509Data/ds:X509Certificate", namespaces=_DS) or ""
    for certificate in trusted:
        if _bare(certificate) == "".join(said.split()):
            state = "valid" if _holds(root, certificate) else "invalid"
            return Verdict(state, name, certificate.subject.rfc4514_string())
    brought = _certificate(said)
    if brought is None or not _holds(root, brought):
        return Verdict("invalid", name)
    return Verdict("untrusted", name, brought.subject.rfc4514_string())


def _certificate(said: str) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(base64.b64decode("".join(said.split())))
    except ValueError:
        return None


def _holds(root: object, certificate: x509.Certificate) -> bool:
    config = SignatureConfiguration(
        signature_methods=frozenset({METHOD, SignatureMethod.RSA_SHA256}),
        digest_algorithms=frozenset({DIGEST, DigestAlgorithm.SHA256}),
    )
    pem = certificate.public_bytes(Encoding.PEM).decode()
    try:
        XMLVerifier().verify(root, x509_cert=pem, expect_config=config)
    except (InvalidSignature, InvalidDigest, InvalidInput, InvalidCertificate, ValueError):
        return False
    return True


def _bare(certificate: x509.Certificate) -> str:
    lines = certificate.public_bytes(Encoding.PEM).decode().splitlines()
    return "".join(line for line in lines if not line.startswith("-"))


def make_test_key(subject: str, now: datetime | None = None) -> SoftwareKey:
    """Return a new key with a certificate of its own, marked as a test; valid for a year."""
    key = generate_private_key(public_exponent=65_537, key_size=2_048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"TEST {subject}")])
    now = now or datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .sign(key, SHA256())
    )
    return SoftwareKey(key, certificate)
