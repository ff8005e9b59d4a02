"""The evidence of a passage: what the gate, the inbox and the recorder hold of it, as one signed bundle.

Only web sees all rooms, so they are joined here. To take evidence away is an act of its own: who, when, and the hash
of exactly what was taken stand in the record, in the transaction that read it.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from iot.evidence import Raw, behind
from wms.gate import evidence, queries
from wms.gate.queries import Explained
from wms.gate.queries.besides import photo_bytes
from wms.gate.queries.proof import EXPORTED, leaves_of
from wms.record.bundles import BundleKey, pack, signing_key
from wms.record.service import append_leaf
from wms.watch.queries.fence import clips_of

KEY_LEAF = "evidence_key"


@dataclass(frozen=True)
class Bundle:
    """The bytes of a bundle and the name of its file."""

    name: str
    content: bytes
    key_id: str

    def response(self) -> Response:
        """The bundle as a download; its hash and key id stand in the head."""
        answer = Response(self.content, mimetype="application/zip")
        answer.headers["Content-Disposition"] = f'attachment; filename="{self.name}"'
        answer.headers["X-Bundle-SHA256"] = hashlib.sha256(self.content).hexdigest()
        answer.headers["X-Bundle-Key-Id"] = self.key_id
        answer.headers["Cache-Control"] = "private, no-store"
        return answer


@dataclass(frozen=True)
class Media:
    """A picture or clip that a device named with a reading: its address and the hash that the device gave."""

    reading_id: int
    device: str
    uri: str
    sha256: str | None
    size_bytes: int | None


def export(session: Session, passage_id: int, data_dir: Path, person_id: int | None) -> Bundle:
    """Build the bundle of a passage and record that it was taken. Raises UnknownPassage."""
    found = queries.explain(session, passage_id)
    key = signing_key(data_dir)
    _publish(session, key)
    bundle = bundle_of(session, found, key)
    said = {"sha256": hashlib.sha256(bundle.content).hexdigest(), "key_id": key.key_id, "person_id": person_id}
    append_leaf(session, EXPORTED, said | {"seq_no": found.passage.seq_no}, passage_id)
    return bundle


def bundle_of(session: Session, found: Explained, key: BundleKey) -> Bundle:
    """The bundle of a passage; the same facts give the same bytes."""
    raws = behind(session, [reading.reading_id for reading in found.readings])
    payloads = {raw.inbox_id: raw.payload for raw in raws.values()}
    media = {
        "pictures": [asdict(one) for one in media_of(found)],
        "clips": [asdict(one) for one in clips_of(session, "passage", found.passage.id)],
    }
    told, pictures = {n: _told(raw) for n, raw in raws.items()}, photo_bytes(session, found.passage.id)
    files = evidence.files_of(found, told, payloads, media, pictures)
    content = pack(files, evidence.about(found), key)
    return Bundle(f"evidence-{found.passage.seq_no}.zip", content, key.key_id)


def _told(raw: Raw) -> dict[str, Any]:
    """How a message came, without its bytes, and where they stand in the bundle."""
    return {
        **{name: value for name, value in asdict(raw).items() if name not in ("payload", "reading_id")},
        "file": evidence.raw_file(raw.inbox_id),
        "bytes": len(raw.payload),
    }


def media_of(found: Explained) -> list[Media]:
    """Pictures and clips that devices named with the readings of a passage."""
    return [
        Media(reading.reading_id, reading.device, str(one["uri"]), one.get("sha256"), one.get("bytes"))
        for reading in found.readings
        for one in _named(reading.content)
        if one.get("uri")
    ]


def _named(content: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    media = content.get("media")
    return [one for one in media if isinstance(one, dict)] if isinstance(media, list) else []


def _publish(session: Session, key: BundleKey) -> None:
    """Put the public key on record once, so that everybody who holds the record can tell our bundles from others."""
    number = int(key.key_id[:7], 16)  # a leaf's subject is a number
    said = {"key_id": key.key_id, "public_key": key.public_pem.decode()}
    if not any(key.key_id.encode() in leaf.body for leaf in leaves_of(session, [(KEY_LEAF, number)])):
        append_leaf(session, KEY_LEAF, said, number)
