"""Our lists and passes as messages of the bonded set, and the fields of what comes back.

Structure, order and spelling are those of the one description in :mod:`wms.customs.messages.bonded`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from wms.customs.clock import BEIJING
from wms.customs.messages import bonded
from wms.customs.messages.bonded import BondedMessage

Fields = Mapping[str, str]
KG_IN_G = 1_000
SYSTEM = "Z7"  # SysId of the zone's platform


def kilograms(grams: int) -> str:
    """Grams as customs writes weights: kilograms, exact, without an exponent."""
    text = f"{Decimal(grams) / KG_IN_G:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def verification_list(head: Fields, lines: Sequence[Fields], at: datetime) -> bytes:
    """INV101 of one list. Raises NotSchemaValid."""
    parts = {"InvtHeadType": (head,), "InvtListType": tuple(lines)}
    return _written("INV101", parts, head["etpsInnerInvtNo"], at, {"SysId": SYSTEM})


def gate_pass(head: Fields, lines: Sequence[Fields], documents: Sequence[Fields], at: datetime) -> bytes:
    """SAS121 of one pass with the documents behind it. Raises NotSchemaValid."""
    parts = {"PassportHead": (head,), "PassportList": tuple(lines), "PassportAcmp": tuple(documents)}
    return _written("SAS121", parts, head["etpsPreentNo"], at)


def passage(head: Fields, at: datetime) -> bytes:
    """SAS223 as our gate reports a vehicle that went through: in customs' own form. Raises NotSchemaValid."""
    return _written("SAS223", {"SasPassportBsc": (head,)}, head["passportNo"], at)


def _written(
    kind: str, parts: Mapping[str, tuple[Fields, ...]], number: str, at: datetime, fields: Fields | None = None
) -> bytes:
    local = at.astimezone(BEIJING)
    envelope = {
        "version": "1.0", "message_id": f"{kind}-{number}-{local:%Y%m%d%H%M%S}"[:64], "message_type": kind,
        "send_time": f"{local:%Y-%m-%dT%H:%M:%S}",
    }  # fmt: skip
    flag = bonded.DECLARE if bonded.kinds()[kind].is_sent else None
    return bonded.write(BondedMessage(kind, envelope, parts, flag, fields or {}))


def fields_of(raw: bytes, *nodes: str) -> dict[str, str]:
    """Return the fields of the named nodes of an answer, as text. Raises Unreadable, NotSchemaValid."""
    return bonded.take(raw).said(*nodes)
