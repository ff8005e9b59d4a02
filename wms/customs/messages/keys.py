"""The key that signs messages to customs: a file of the enterprise, or a test key that is kept in the data folder."""

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from wms.customs.messages.signing import SoftwareKey, make_test_key
from wms.errors import N_, Kind, WmsError

TEST, NONE = "test", "none"
TEST_KEY = Path("keys", "customs_test.pem")
VARIABLE = "DONGTING_CUSTOMS_KEY"
NO_RSA = N_("it holds no RSA key")
NO_PAIR = N_("key and certificate do not belong together")


class BadKey(WmsError):
    """The file that should sign cannot."""

    code = "customs_key_unusable"
    kind = Kind.UNAVAILABLE
    text = N_("%(setting)s names %(path)s, which cannot sign: %(reason)s.")


def signer_of(given: str, data_dir: Path) -> SoftwareKey | None:
    """Return what the setting ``given`` names: the test key, the key of a file, None for none. Raises BadKey."""
    if given == NONE:
        return None
    if given != TEST:
        return read_key(Path(given))
    path = data_dir / TEST_KEY
    if not _is_fresh(path):
        _keep(path, make_test_key("Dongting"))
    return read_key(path)


def read_key(path: Path) -> SoftwareKey:
    """Return the RSA key and the certificate of a PEM file. Raises BadKey."""
    try:
        data = path.read_bytes()
        key, certificate = load_pem_private_key(data, None), x509.load_pem_x509_certificate(data)
    except OSError as fault:
        raise _bad(path, fault.strerror or str(fault)) from None
    except (ValueError, TypeError) as fault:  # TypeError: a password is needed
        raise _bad(path, str(fault).splitlines()[0][:200]) from None
    if not isinstance(key, RSAPrivateKey):
        raise _bad(path, NO_RSA)
    if key.public_key() != certificate.public_key():
        raise _bad(path, NO_PAIR)
    return SoftwareKey(key, certificate)


def _bad(path: Path, reason: str) -> BadKey:
    return BadKey(setting=VARIABLE, path=str(path), reason=reason)


def _is_fresh(path: Path) -> bool:
    """Whether the kept test key is there and its certificate has not run out."""
    return path.exists() and read_key(path).certificate.not_valid_after_utc > datetime.now(UTC)


def _keep(path: Path, key: SoftwareKey) -> None:
    """Keep a key whole or not at all, readable by us alone; of two processes that start at once the last one stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    pem = key.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem + key.certificate.public_bytes(Encoding.PEM))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
