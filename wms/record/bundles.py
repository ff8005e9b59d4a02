"""A signed bundle: files in one ZIP, a manifest of their hashes, an Ed25519 signature over the manifest.

The same files give the same bytes on every machine: names in order, no times, no compression. So a bundle can be built
again and compared as a whole, and a single changed byte anywhere in it is found. It can be verified without this
program: ``sha256sum -c SHA256SUMS`` and ``openssl pkeyutl -verify`` (RFC 8032), as its README.txt says. What the
signature is worth depends on the key: whoever verifies names the key that they were handed by another way.
"""

import hashlib
import io
import json
import os
import secrets
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from wms.errors import N_, Kind, WmsError

FORMAT = "dongting.bundle.v1"
MANIFEST, SIGNATURE, PUBLIC_KEY, SUMS = "manifest.json", "manifest.sig", "public_key.pem", "SHA256SUMS"
OWN = (MANIFEST, SIGNATURE)  # what the manifest cannot name, because it is made after it
KEY_FILE = Path("keys", "evidence_ed25519.pem")
KEY_ID_CHARS = 32
LARGEST = 1 << 30  # what is larger was not made by us, and is not unpacked
NO_TIME = (1980, 1, 1, 0, 0, 0)

FAULTS = {
    "not_a_bundle": N_("This is no ZIP file, or a damaged one."),
    "too_large": N_("It unpacks to more than a bundle may hold."),
    "file_twice": N_("This name stands in the bundle twice."),
    "no_manifest": N_("The manifest is missing."),
    "manifest_unreadable": N_("The manifest cannot be read as one of this format."),
    "no_signature": N_("The signature is missing."),
    "no_public_key": N_("The public key is missing or cannot be read."),
    "key_id_differs": N_("The key id in the manifest is not that of the public key."),
    "signature_broken": N_("The signature does not hold for this manifest."),
    "key_not_trusted": N_("It is signed by another key than the one you named."),
    "file_missing": N_("The manifest names this file, but it is not there."),
    "file_changed": N_("This file is not the one that was signed: its SHA-256 differs."),
    "file_unexpected": N_("The manifest does not name this file."),
    "container_changed": N_("The files are whole, but the ZIP around them was made anew or something was added."),
}


class BadEvidenceKey(WmsError):
    code = "evidence_key_unusable"
    kind = Kind.UNAVAILABLE
    text = N_("The key of evidence bundles at %(path)s cannot be used: it holds no Ed25519 key.")


@dataclass(frozen=True)
class BundleKey:
    """The key that signs, and what others need to know it by."""

    private: Ed25519PrivateKey = field(repr=False)

    @property
    def public_pem(self) -> bytes:
        """The public key as PEM (SubjectPublicKeyInfo)."""
        return pem_of(self.private.public_key())

    @property
    def key_id(self) -> str:
        """The first 32 hexadecimal signs of the SHA-256 of the raw public key."""
        return key_id_of(self.private.public_key())


@dataclass(frozen=True)
class Fault:
    """Something that is wrong with a bundle, with the file that it is wrong with ("" for the bundle as a whole)."""

    code: str
    file: str
    text: str
    what: str = ""

    def said(self, translate: Callable[[str], str] = str) -> str:
        """The fault in words."""
        return translate(self.text) % {"what": self.what} if self.what else translate(self.text)


@dataclass(frozen=True)
class Opened:
    """What a bundle holds, and every fault of it. ``key_id`` is that of the key inside; trust is another matter."""

    files: Mapping[str, bytes]
    manifest: Mapping[str, Any]
    key_id: str | None
    faults: tuple[Fault, ...]


def fault(code: str, file: str = "") -> Fault:
    """A fault in the words of :data:`FAULTS`."""
    return Fault(code, file, FAULTS[code])


def document(content: object) -> bytes:
    """A JSON file as people can read it, always the same bytes for the same content; instants in UTC."""
    text = json.dumps(content, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False, default=_plain)
    return text.encode() + b"\n"


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def pem_of(key: Ed25519PublicKey) -> bytes:
    """A public key as PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def key_id_of(key: Ed25519PublicKey) -> str:
    """How a public key is called: short enough to be read aloud, long enough that nobody makes another with it."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:KEY_ID_CHARS]


def read_public_key(pem: bytes) -> Ed25519PublicKey:
    """The Ed25519 key of a PEM text. Raises ValueError."""
    try:
        found = load_pem_public_key(pem)
    except Exception as why:  # noqa: BLE001 - the library raises several kinds, all of them mean the same here
        raise ValueError(str(why)) from None
    if not isinstance(found, Ed25519PublicKey):
        raise ValueError("no Ed25519 key")
    return found


def signing_key(data_dir: Path) -> BundleKey:
    """The installation's key, made at its first use and readable by its owner alone; the first of two makers wins.

    Raises :class:`BadEvidenceKey`.
    """
    path = data_dir / KEY_FILE
    if not path.exists():
        _make(path)
    try:
        found = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError) as why:
        raise BadEvidenceKey(path=str(path)) from why
    if not isinstance(found, Ed25519PrivateKey):
        raise BadEvidenceKey(path=str(path))
    return BundleKey(found)


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def pack(files: Mapping[str, bytes], about: Mapping[str, Any], key: BundleKey) -> bytes:
    """Return the bundle of ``files``; ``about`` says in the manifest what it is evidence of."""
    whole = dict(files) | {PUBLIC_KEY: key.public_pem}
    whole[SUMS] = "".join(f"{_sha256(whole[name])}  {name}\n" for name in sorted(whole)).encode()
    manifest = document(
        {
            "format": FORMAT,
            "about": about,
            "key_id": key.key_id,
            "files": [
                {"name": name, "bytes": len(whole[name]), "sha256": _sha256(whole[name])} for name in sorted(whole)
            ],
        }
    )
    return _zipped(whole | {MANIFEST: manifest, SIGNATURE: key.private.sign(manifest)})


def _zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, NO_TIME)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def open_bundle(bundle: bytes, trusted_key_id: str | None = None) -> Opened:
    """Unpack and verify a bundle; every fault is named, none hides another. Never raises.

    ``trusted_key_id``: the key that it must be signed by, as its owner told it by another way than this file.
    """
    try:
        files, faults = _unpacked(bundle)
    except _NotOurs as why:
        return Opened({}, {}, None, (fault(why.code),))
    manifest, said = _manifest(files)
    faults += said
    key_id, said = _signed(files, manifest)
    faults += said
    if trusted_key_id is not None and key_id is not None and key_id != trusted_key_id.strip().lower():
        faults.append(fault("key_not_trusted", PUBLIC_KEY))
    if manifest:
        faults += _compared(files, manifest)
    if not faults and _zipped(files) != bundle:
        faults.append(fault("container_changed"))
    return Opened(files, manifest, key_id, tuple(faults))


class _NotOurs(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def _unpacked(bundle: bytes) -> tuple[dict[str, bytes], list[Fault]]:
    try:
        with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > LARGEST:
                raise _NotOurs("too_large")
            names = [entry.filename for entry in entries]
            files: dict[str, bytes] = {}
            for entry in entries:
                try:
                    files.setdefault(entry.filename, archive.read(entry))
                except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, RuntimeError, EOFError):
                    files.setdefault(entry.filename, b"")  # its hash cannot hold: it is named as changed
    except _NotOurs:
        raise
    except Exception as why:  # whatever a stranger's file makes the library raise
        raise _NotOurs("not_a_bundle") from why
    twice = sorted({name for name in names if names.count(name) > 1})
    return files, [fault("file_twice", name) for name in twice]


def _manifest(files: Mapping[str, bytes]) -> tuple[dict[str, Any], list[Fault]]:
    if MANIFEST not in files:
        return {}, [fault("no_manifest", MANIFEST)]
    try:
        said = json.loads(files[MANIFEST])
        assert isinstance(said, dict)
        assert said["format"] == FORMAT
        assert all(isinstance(row["name"], str) and isinstance(row["sha256"], str) for row in said["files"])
        assert isinstance(said["about"], dict)
    except (ValueError, KeyError, TypeError, AssertionError, RecursionError):
        return {}, [fault("manifest_unreadable", MANIFEST)]
    return said, []


def _signed(files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> tuple[str | None, list[Fault]]:
    try:
        key = read_public_key(files[PUBLIC_KEY])
    except (KeyError, ValueError):
        return None, [fault("no_public_key", PUBLIC_KEY)]
    key_id, faults = key_id_of(key), []
    if manifest and manifest.get("key_id") != key_id:
        faults.append(fault("key_id_differs", MANIFEST))
    if SIGNATURE not in files:
        return key_id, [*faults, fault("no_signature", SIGNATURE)]
    try:
        key.verify(files[SIGNATURE], files.get(MANIFEST, b""))
    except (InvalidSignature, ValueError):
        faults.append(fault("signature_broken", SIGNATURE))
    return key_id, faults


def _compared(files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> Iterable[Fault]:
    named = {row["name"]: row["sha256"] for row in manifest["files"]}
    missing = [fault("file_missing", name) for name in sorted(set(named) - set(files))]
    changed = [fault("file_changed", n) for n in sorted(set(named) & set(files)) if _sha256(files[n]) != named[n]]
    unexpected = [fault("file_unexpected", name) for name in sorted(set(files) - set(named) - set(OWN))]
    return [*missing, *changed, *unexpected]
