"""Personal data, sealed field by field: AES-GCM with the id of its key, and blind indexes to search by.

A sealed field is ``version (1) ‖ key id (2) ‖ nonce (12) ‖ ciphertext and tag``; the name of the field is
authenticated with it, so that a sealed phone number cannot be passed off as a name. Keys are derived (HKDF, RFC 5869)
from secrets in a folder beside the database, never in it; a new key is a further line, and what older keys sealed stays
readable until it is sealed anew. Equal values have equal blind indexes (HMAC-SHA-256), which nobody can work out
without the index secret.
"""

import hmac
import os
import secrets
import tempfile
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.orm import Session

from wms.db import Database
from wms.errors import N_, Kind, WmsError
from wms.settings import kept_secret

FOLDER, SECRETS, INDEX_SECRET = "keys", "private_keys", "private_index"
VERSION = b"\x01"
HEAD_BYTES, NONCE_BYTES, TAG_BYTES = 3, 12, 16
SEAL_BYTES = HEAD_BYTES + NONCE_BYTES + TAG_BYTES  # a sealed field is so much longer than what it seals
KEYS = "keys"
GONE = "-"  # stands in the place of a secret that was taken away, so that the others keep their numbers
ERASED = "-"


class KeyLost(WmsError):
    """A sealed field names a key that is not there, or was changed after it was sealed."""

    code = "private_key_lost"
    kind = Kind.UNAVAILABLE
    text = N_("This personal data cannot be read: key %(key_id)s is missing or the data was changed.")


class NoKeys(WmsError):
    """A process works with personal data and was not given the installation's keys."""

    code = "private_keys_not_given"
    kind = Kind.UNAVAILABLE
    text = N_("This process was not given the keys of personal data.")


@dataclass(frozen=True)
class Vault:
    """The keys of one installation; the highest id seals, all of them open."""

    keys: Mapping[int, bytes] = field(repr=False)
    index_key: bytes = field(repr=False)

    @property
    def current(self) -> int:
        """The id of the key that seals now."""
        return max(self.keys)

    def seal(self, text: str, name: str) -> bytes:
        """Return ``text`` sealed as the field ``name``; the same text never looks the same twice."""
        return self.seal_bytes(text.encode(), name)

    def seal_bytes(self, data: bytes, name: str) -> bytes:
        """As :meth:`seal`, for bytes that need be no text."""
        nonce = os.urandom(NONCE_BYTES)
        head = VERSION + self.current.to_bytes(2, "big")
        return head + nonce + AESGCM(self.keys[self.current]).encrypt(nonce, data, head + name.encode())

    def open(self, sealed: bytes, name: str) -> str:
        """Return the text of a sealed field. Raises KeyLost."""
        return self.open_bytes(sealed, name).decode()

    def open_bytes(self, sealed: bytes, name: str) -> bytes:
        """Return the bytes of a sealed field. Raises KeyLost."""
        key_id = key_id_of(sealed)
        key = self.keys.get(key_id)
        head, nonce = sealed[:HEAD_BYTES], sealed[HEAD_BYTES : HEAD_BYTES + NONCE_BYTES]
        if key is None:
            raise KeyLost(key_id=key_id)
        try:
            return AESGCM(key).decrypt(nonce, sealed[HEAD_BYTES + NONCE_BYTES :], head + name.encode())
        except InvalidTag as tampered:
            raise KeyLost(key_id=key_id) from tampered

    def blind(self, text: str, kind: str) -> bytes:
        """Return the blind index (32 bytes) of a value of a kind: ``id``, ``phone``, ``name`` or ``address``."""
        return hmac.digest(self.index_key, f"{kind}\0{plain(text, kind)}".encode(), "sha256")


def key_id_of(sealed: bytes) -> int:
    """The id of the key that sealed a field."""
    return int.from_bytes(sealed[1:HEAD_BYTES], "big")


def plain(text: str, kind: str) -> str:
    """The form in which two values are the same: width, case and spaces apart; of a phone number only digits count."""
    folded = "".join(unicodedata.normalize("NFKC", text).upper().split())
    if kind != "phone":
        return folded
    digits = "".join(sign for sign in folded if sign.isdecimal())
    return digits.removeprefix("86") if len(digits) == len("8613800000000") else digits


def open_vault(data_dir: Path) -> Vault:
    """Return the installation's vault; its secrets are made at the first call, readable by their owner alone."""
    folder = data_dir / FOLDER
    kept_secret(folder / SECRETS)
    lines = (folder / SECRETS).read_text().split()
    index_key = _derive(kept_secret(folder / INDEX_SECRET), "private index")
    kept = {n: line for n, line in enumerate(lines, 1) if line != GONE}
    return Vault({n: _derive(line, f"private key {n}") for n, line in kept.items()}, index_key)


def give_keys(database: Database, keys: Callable[[], Vault]) -> None:
    """Let every unit of work of ``database`` find the installation's keys; they are asked for at their first use."""
    database.info[KEYS] = cache(keys)


def keys_of(session: Session) -> Vault:
    """Return the keys of the installation that ``session`` works for. Raises NoKeys."""
    asked = session.info.get(KEYS)
    if asked is None:
        raise NoKeys
    found: Vault = asked()
    return found


def add_key(data_dir: Path) -> Vault:
    """Add a key, which seals from now on; older ones still open. Processes that run take it at their next start."""
    open_vault(data_dir)
    path = data_dir / FOLDER / SECRETS
    text = "\n".join([*path.read_text().split(), secrets.token_urlsafe(32)]) + "\n"
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f"{SECRETS}.")  # mode 0600
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(draft).replace(path)
    return open_vault(data_dir)


def _derive(secret: str, info: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info.encode()).derive(secret.encode())


def mask(text: str | None, kind: str) -> str:
    """Return what everybody may see of a value: enough to tell two apart, not enough to know one."""
    if not text:
        return ERASED
    keep_first, keep_last = {"id": (3, 2), "phone": (3, 2), "name": (1, 0), "address": (3, 0)}[kind]
    if len(text) <= keep_first + keep_last + 1:
        return text[:1] + "*" * max(len(text) - 1, 1)
    return text[:keep_first] + "****" + (text[-keep_last:] if keep_last else "")
