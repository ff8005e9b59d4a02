"""A local authority and a certificate of it, so that handhelds in the same network trust this machine.

Browsers give camera and offline mode to trusted HTTPS alone; a warning clicked away is not enough for the service
worker. The authority's certificate is installed once on each device; its key never leaves the data folder.
"""

import ipaddress
import os
import re
import socket
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from iot.signing import CERTIFICATE_EARLY
from wms.errors import N_, Kind, WmsError
from wms.settings import Settings

AUTHORITY_DAYS = 3650
SERVER_DAYS = 397  # Apple's devices refuse server certificates that live longer (398 days, since 2020-09-01)
DEVICE_DAYS = 1826
EARLY = timedelta(days=1)  # handhelds' clocks run late


class NoCertificate(WmsError):
    """``--tls`` without a certificate."""

    code = "no_certificate"
    text = N_("There is no certificate in %(folder)s yet. Make one with: dongting cert")


class BadName(WmsError):
    """Not a host name or an address."""

    code = "bad_host_name"
    kind = Kind.INVALID
    text = N_("%(name)s is neither a host name nor an address.")


class BadDevice(WmsError):
    """Not the code of a device: it would name nobody."""

    code = "bad_device_code"
    kind = Kind.INVALID
    text = N_("%(name)s cannot be a device's code: 1 to 64 letters, digits, underscores and hyphens.")


@dataclass(frozen=True)
class Files:
    """Where authority and certificate are kept."""

    folder: Path

    @property
    def authority(self) -> Path:
        return self.folder / "dongting-authority.crt"

    @property
    def authority_key(self) -> Path:
        return self.folder / "dongting-authority.key"

    @property
    def server(self) -> Path:
        return self.folder / "server.crt"

    @property
    def server_key(self) -> Path:
        return self.folder / "server.key"

    def device(self, code: str) -> tuple[Path, Path]:
        """Certificate and key of a device."""
        return self.folder / "devices" / f"{code}.crt", self.folder / "devices" / f"{code}.key"


def files(data_dir: Path) -> Files:
    return Files(data_dir / "certificates")


def with_tls(settings: Settings) -> Settings:
    """Settings that serve HTTPS: with the given certificate, else with ours. Raises :class:`NoCertificate`."""
    if settings.tls_certificate and settings.tls_key:
        return settings
    ours = files(settings.data_dir)
    if not ours.server.exists():
        raise NoCertificate(folder=str(ours.folder))
    return replace(settings, tls_certificate=ours.server, tls_key=ours.server_key)


def make_device(data_dir: Path, code: str) -> tuple[Path, Path]:
    """A certificate and key by which the device ``code`` proves to a broker who it is. Raises :class:`BadDevice`."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", code):
        raise BadDevice(field="device", name=repr(code))
    ours = _with_authority(data_dir)
    certificate, key_file = ours.device(code)
    certificate.parent.mkdir(mode=0o700, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    # A device's certificate begins now: what was made before a revocation is told by it.
    made = _signed(ours, code, key, early=CERTIFICATE_EARLY, days=DEVICE_DAYS, use=ExtendedKeyUsageOID.CLIENT_AUTH)
    _write_key(key_file, key)
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return certificate, key_file


def _with_authority(data_dir: Path) -> Files:
    ours = files(data_dir)
    ours.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not ours.authority.exists() or not ours.authority_key.exists():
        _make_authority(ours)
    return ours


def make(data_dir: Path, names: tuple[str, ...]) -> Files:
    """Make the authority if there is none yet, and a new certificate for ``names`` and this machine's own."""
    ours = _with_authority(data_dir)
    _make_server(ours, tuple(dict.fromkeys((*names, *own_names()))))
    return ours


def own_names() -> tuple[str, ...]:
    """Names and addresses under which devices of the same network find this machine."""
    found = ["localhost", "127.0.0.1", "::1", socket.gethostname()]
    for addresses in psutil.net_if_addrs().values():
        found += [one.address for one in addresses if one.family == socket.AF_INET]
    return tuple(dict.fromkeys(name for name in found if name))


def _make_authority(ours: Files) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Dongting {socket.gethostname()}"[:64])])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLY)
        .not_valid_after(now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write_key(ours.authority_key, key)
    ours.authority.write_bytes(made.public_bytes(serialization.Encoding.PEM))


def _make_server(ours: Files, names: tuple[str, ...]) -> None:
    alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
    key = ec.generate_private_key(ec.SECP256R1())
    made = _signed(
        ours, "Dongting", key, early=EARLY, days=SERVER_DAYS, use=ExtendedKeyUsageOID.SERVER_AUTH, names=alternatives
    )
    _write_key(ours.server_key, key)
    ours.server.write_bytes(made.public_bytes(serialization.Encoding.PEM) + ours.authority.read_bytes())


def _signed(
    ours: Files,
    name: str,
    key: ec.EllipticCurvePrivateKey,
    *,
    early: timedelta,
    days: int,
    use: x509.ObjectIdentifier,
    names: x509.SubjectAlternativeName | None = None,
) -> x509.Certificate:
    """A certificate for ``key``, signed by the authority."""
    authority = x509.load_pem_x509_certificate(ours.authority.read_bytes())
    signer = serialization.load_pem_private_key(ours.authority_key.read_bytes(), password=None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - early)
        .not_valid_after(min(now + timedelta(days=days), authority.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    return (made.add_extension(names, critical=False) if names else made).sign(signer, hashes.SHA256())


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        ascii_name = name.encode("idna").decode()
    except UnicodeError:
        raise BadName(field="name", name=repr(name)) from None
    if not ascii_name or not all(part.replace("-", "").isalnum() for part in ascii_name.split(".")):
        raise BadName(field="name", name=repr(name))
    return x509.DNSName(ascii_name)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
