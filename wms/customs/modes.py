"""Trade modes (监管方式) as dated data: who declares, which documents in which order, when goods may move, limits.

A mode is a dated value ``customs.trade_mode`` with the subject code + ``:`` + direction; adding one, closing one or
changing a rule is a new value with its day and its source. A document is judged by the day it was declared.
Directions are those of the account book (I adds, E deducts); ``1210:export`` is retail export out of the zone.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from wms.customs.clock import BEIJING
from wms.errors import N_, Kind, WmsError
from wms.parties import dated

NAME = "customs.trade_mode"


class UnknownTradeMode(WmsError):
    """No value stands on record for the mode and direction on that day."""

    code = "unknown_trade_mode"
    kind = Kind.INVALID
    text = N_("Trade mode %(mode)s (%(direction)s) is not known on %(on)s: enter it as dated data with its source.")


class TradeModeClosed(WmsError):
    """The mode is on record, but may not be used on that day."""

    code = "trade_mode_closed"
    text = N_("Trade mode %(mode)s may not be used on %(on)s.")


class DocumentTooEarly(WmsError):
    """An earlier document of the mode's order is missing."""

    code = "document_too_early"
    text = N_("Under trade mode %(mode)s, %(document)s comes after %(missing)s, which is missing.")


class DocumentNotOfMode(WmsError):
    """The mode's order has no such document."""

    code = "document_not_of_mode"
    kind = Kind.INVALID
    text = N_("Trade mode %(mode)s has no document %(document)s.")


class OverSingleLimit(WmsError):
    """The value of one document is above the mode's limit."""

    code = "over_single_limit"
    text = N_("Under trade mode %(mode)s one document may be worth at most %(limit)s, not %(value)s.")


@dataclass(frozen=True)
class TradeMode:
    """A trade mode as it holds on a day. ``documents``: steps in order; a tuple in it may come in any order.

    ``moves_when``: ``declaration`` released or ``parcel`` released (622 = 800). ``freed_at``: where a released
    declaration ends customs' supervision, at the ``gate`` or on the ``shelf``. ``single_limit_minor``: fen, 0 for none.
    """

    code: str
    direction: str
    name_zh: str
    name_en: str
    declared_by: str
    documents: tuple[tuple[str, ...], ...]
    moves_when: str
    is_allowed: bool
    freed_at: str
    single_limit_minor: int


def beijing_day(at: datetime) -> date:
    """Return the day on which ``at`` falls in Beijing."""
    return at.astimezone(BEIJING).date()


def known(session: Session, code: str, direction: str, on: date) -> TradeMode:
    """Return the mode as it holds on a day, allowed or not. Raises UnknownTradeMode."""
    try:
        said = dated.value(session, NAME, on, f"{code}:{direction}")
    except dated.NoDatedValue:
        raise UnknownTradeMode(field="trade_mode", mode=code, direction=direction, on=on.isoformat()) from None
    return _mode(code, direction, said)


def allowed(session: Session, code: str, direction: str, on: date) -> TradeMode:
    """Return the mode as it holds on a day. Raises UnknownTradeMode, TradeModeClosed."""
    mode = known(session, code, direction, on)
    if not mode.is_allowed:
        raise TradeModeClosed(field="trade_mode", mode=code, on=on.isoformat())
    return mode


def _mode(code: str, direction: str, said: dict[str, Any]) -> TradeMode:
    steps = tuple((step,) if isinstance(step, str) else tuple(step) for step in said["documents"])
    return TradeMode(code, direction, **{**said, "documents": steps})


def check_order(mode: TradeMode, done: Collection[str], document: str) -> None:
    """Refuse a document before those that come first. Raises DocumentNotOfMode, DocumentTooEarly."""
    for step in mode.documents:
        if document in step:
            return
        missing = [one for one in step if one not in done]
        if missing and any(document in later for later in mode.documents):
            raise DocumentTooEarly(mode=mode.code, document=document, missing=", ".join(missing))
    raise DocumentNotOfMode(mode=mode.code, document=document)


def check_limit(mode: TradeMode, value_minor: int) -> None:
    """Raise OverSingleLimit when one document is worth more than the mode allows (limit inclusive)."""
    if mode.single_limit_minor and value_minor > mode.single_limit_minor:
        raise OverSingleLimit(mode=mode.code, limit=_yuan(mode.single_limit_minor), value=_yuan(value_minor))


def _yuan(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d} CNY"


def listed(session: Session, on: date) -> Sequence[TradeMode]:
    """Return every mode that is on record on a day, by code."""
    subjects = sorted({row.subject for row in dated.values(session, NAME) if row.valid_from_on <= on})
    pairs = [subject.partition(":") for subject in subjects]
    return [known(session, code, direction, on) for code, _, direction in pairs if direction]
