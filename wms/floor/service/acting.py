"""By whom a deed is done: the key it counts once under, its time, and the device and scan behind it, if any."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from wms.floor.leaving_queries import Content
from wms.floor.rules.mistakes import NotBonded
from wms.floor.service.desk import Desk
from wms.parties.tables import Location
from wms.stock import ledger
from wms.stock.ledger import Line


@dataclass(frozen=True)
class By:
    """``key`` is the client's own, so that a repeat posts nothing twice."""

    key: str
    at: datetime
    device: str | None = None
    scan_id: int | None = None


def by_scan(desk: Desk) -> By:
    """The scan at work."""
    return By(f"scan:{desk.key}", desk.event_at, desk.device, desk.scan_id)


@dataclass(frozen=True)
class Portion:
    """A part of one account that is moved; which pieces, where they are told apart by number or weight."""

    content: Content
    qty: int
    weight_g: int | None = None
    serials: tuple[str, ...] = ()


def carry(
    session: Session,
    portions: Iterable[Portion],
    place: Location,
    by: By,
    kind: str,
    *,
    unit_id: int | None = None,
    source_doc: str | None = None,
) -> int:
    """Post portions to a place, into ``unit_id`` where one is given, and return the posting's id.

    Raises NotBonded for bonded goods and a place outside customs supervision, and what the ledger refuses.
    """
    lines: list[Line] = []
    at = by.at
    for portion in portions:
        held = portion.content
        if held.account.customs_status == "bonded" and not place.is_bonded:
            raise NotBonded(item=held.names, place=place.code)
        target = replace(
            held.account,
            site_id=place.site_id,
            location_id=place.id,
            handling_unit_id=unit_id if unit_id is not None else held.account.handling_unit_id,
        )
        lines += ledger.moved(held.account, target, portion.qty, weight_g=portion.weight_g, serials=portion.serials)
        # Clocks of two handhelds differ by seconds: what is taken must not count as earlier than what was brought.
        at = max(at, held.last_event_at)
    posting = ledger.Posting(by.key, kind, at, tuple(lines), source_doc=source_doc, device=by.device)
    return ledger.post(session, posting).posting_id


def take_from(held: Iterable[Content], qty: int) -> list[Portion]:
    """Return portions of ``qty`` base units, account by account; fewer where there are not so many."""
    portions = []
    for content in held:
        part = min(qty, content.free_qty)
        if part > 0:
            portions.append(Portion(content, part))
            qty -= part
    return portions
