"""Pictures of a passage: those that an officer adds, and those that its readings name."""

import hashlib

from sqlalchemy import cast, func, select
from sqlalchemy.dialects.postgresql import JSONPATH, insert
from sqlalchemy.orm import Session

from wms.floor.rules.found import media_type_of
from wms.gate.service.passing import locked_passage
from wms.gate.tables import PassagePhoto, PassageReading
from wms.record.service import append_leaf

WITH_HASH = '$[*].sha256 ? (@ like_regex "^[0-9a-fA-F]{64}$")'


def add_picture(session: Session, passage_id: int, content: bytes) -> str:
    """Keep a picture (JPEG, PNG, WebP); returns its SHA-256. The same picture twice is one.

    Raises UnknownPassage, and NoPhoto where the content is no picture.
    """
    passage, media_type = locked_passage(session, passage_id), media_type_of(content)
    sha256 = hashlib.sha256(content).hexdigest()
    made = session.scalar(
        insert(PassagePhoto)
        .values(
            passage_id=passage.id, sha256=sha256, media_type=media_type, content=content, person_id=func.app_person()
        )
        .on_conflict_do_nothing(index_elements=["passage_id", "sha256"])
        .returning(PassagePhoto.id)
    )
    if made is not None:
        append_leaf(session, "passage_photo", {"seq_no": passage.seq_no, "sha256": sha256}, made)
    return sha256


def has_picture(session: Session, passage_id: int) -> bool:
    """Whether somebody added a picture, or a reading of the passage names one with its hash."""
    added = select(PassagePhoto.id).where(PassagePhoto.passage_id == passage_id)
    if session.scalars(added).first() is not None:
        return True
    media = PassageReading.content["media"]
    named = select(PassageReading.id).where(
        PassageReading.passage_id == passage_id,
        func.jsonb_typeof(media) == "array",
        func.jsonb_path_exists(media, cast(WITH_HASH, JSONPATH)),
    )
    return session.scalars(named).first() is not None
