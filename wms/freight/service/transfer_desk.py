"""What every step of a transfer shares: the row under its lock, who acts, places, and what lies in transit."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.errors import NotFound
from wms.freight.rules.transfers import (
    LoadedMoreThanReserved,
    NotBondedPlace,
    PlaceOfAnotherSite,
    SiteFacts,
    TransferNotInState,
    UnknownLine,
    UnknownTransfer,
)
from wms.freight.tables.transfers import Transfer, TransferLine, TransferPiece
from wms.parties.tables import Location, Person, Site
from wms.stock.ledger import AccountKey

# The accounts of one kind of goods in transit: a hold changes the quality status and nothing else.
IN_TRANSIT = text(
    """
    SELECT a.id, a.quality_status, b.qty - b.qty_reserved AS free FROM account a JOIN balance b ON b.account_id = a.id
     WHERE a.kind = 'in_transit' AND a.owner_id = :owner_id AND a.trade_item_id = :trade_item_id
       AND a.site_id = :site_id AND a.lot_id IS NOT DISTINCT FROM :lot_id
       AND a.handling_unit_id IS NOT DISTINCT FROM :handling_unit_id AND a.customs_status = :customs_status
       AND a.book_line_id IS NOT DISTINCT FROM :book_line_id AND b.qty > b.qty_reserved
     ORDER BY a.quality_status <> 'good', a.id
    """
)
SAME_GOODS = (
    "owner_id", "trade_item_id", "site_id", "lot_id", "handling_unit_id", "customs_status", "book_line_id",
)  # fmt: skip
ACCOUNT = text(
    "SELECT kind, owner_id, trade_item_id, site_id, location_id, lot_id, handling_unit_id, customs_status,"
    " quality_status, book_line_id FROM account WHERE id = :id"
)


@dataclass(frozen=True)
class InPiece:
    """A piece with its line and its item, as the steps need them."""

    piece: TransferPiece
    line: TransferLine
    item: TradeItem


def lock(session: Session, transfer_no: str, wanted: Iterable[str]) -> Transfer:
    """Return the transfer, locked until the transaction ends.

    Raises:
        UnknownTransfer, or TransferNotInState naming who brought it into its state and when.
    """
    found = session.scalar(
        select(Transfer)
        .where(Transfer.transfer_no == transfer_no)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise UnknownTransfer(transfer_no=transfer_no)
    states = tuple(wanted)
    if found.state not in states:
        raise TransferNotInState(
            transfer_no=transfer_no,
            state=found.state,
            since=found.state_at.isoformat(timespec="seconds"),
            person=name_of(session, found.state_by),
            wanted=", ".join(states),
        )
    return found


def step(session: Session, transfer: Transfer, state: str, at: datetime, **instants: datetime) -> None:
    """Bring a locked transfer into ``state``, by the person who acts, with further instants of the row."""
    person_id = acting_person(session)
    with session.no_autoflush:
        for name, value in {"state": state, "state_at": at, "state_by": person_id, **instants}.items():
            setattr(transfer, name, value)


def task_of(transfer: Transfer) -> int:
    """What the work queue knows a transfer by: below zero, for orders and passes have loads with their own ids too."""
    return -transfer.id


def acting_person(session: Session) -> int | None:
    """Who acts; None for the installation itself and for tokens of no person."""
    found: int | None = session.scalar(select(func.app_person()))
    return found


def name_of(session: Session, person_id: int | None) -> str:
    """Return the person's name in both languages, ``-`` for nobody in particular."""
    person = session.get(Person, person_id) if person_id else None
    return f"{person.name_zh} {person.name_en}" if person else "-"


def pieces_of(session: Session, transfer_id: int) -> list[InPiece]:
    """All pieces of a transfer by line and in the order in which they were chosen, read fresh."""
    rows = session.execute(
        select(TransferPiece, TransferLine, TradeItem)
        .join(TransferLine, TransferLine.id == TransferPiece.line_id)
        .join(TradeItem, TradeItem.id == TransferLine.trade_item_id)
        .where(TransferLine.transfer_id == transfer_id)
        .order_by(TransferLine.line_no, TransferPiece.id)
        .execution_options(populate_existing=True)
    )
    return [InPiece(*row) for row in rows]


def line_of(transfer: Transfer, pieces: list[InPiece], line_no: int) -> TransferLine:
    """Return the line ``line_no``. Raises UnknownLine."""
    for one in pieces:
        if one.line.line_no == line_no:
            return one.line
    raise UnknownLine(field="line_no", transfer_no=transfer.transfer_no, line_no=line_no)


def load_pieces(pieces: list[InPiece], line: TransferLine, qty: int) -> None:
    """Spread what was loaded of a line over its pieces. Raises LoadedMoreThanReserved."""
    if qty > line.qty:
        raise LoadedMoreThanReserved(field="qty", line_no=line.line_no, wanted=qty, reserved=line.qty)
    line.loaded_qty = qty
    for one in pieces:
        if one.line.id == line.id:
            one.piece.loaded_qty = min(one.piece.qty, qty)
            qty -= one.piece.loaded_qty


def key_of(session: Session, account_id: int) -> AccountKey:
    """The dimensions of an account."""
    return AccountKey(*session.execute(ACCOUNT, {"id": account_id}).one())


def in_transit_of(session: Session, transit: AccountKey, qty: int) -> list[tuple[AccountKey, int]]:
    """(account, quantity) that make up ``qty`` of goods in transit, whatever a hold has made of their quality.

    Good ones first. What is lacking is asked of the good account, so that the ledger refuses it in its own words.
    """
    values = {name: getattr(transit, name) for name in SAME_GOODS}
    taken: list[tuple[AccountKey, int]] = []
    for row in session.execute(IN_TRANSIT, values):
        take = min(qty, row.free)
        if take > 0:
            taken.append((replace(transit, quality_status=row.quality_status), take))
            qty -= take
    if qty > 0:
        taken.append((transit, qty))
    return taken


def site_facts(site: Site) -> SiteFacts:
    """What the site is to customs."""
    return SiteFacts(site.code, site.kind, site.customs_area)


def place_at(session: Session, site: Site, code: str) -> Location:
    """Return the place of ``site`` with this code, whatever its case. Raises PlaceOfAnotherSite."""
    found = session.scalar(
        select(Location).where(Location.site_id == site.id, func.lower(Location.code) == code.strip().lower())
    )
    if found is None:
        raise PlaceOfAnotherSite(field="location", place=code, site=site.code)
    return found


def refuse_unbonded(place: Location, item: TradeItem, customs_status: str) -> None:
    """Raise NotBondedPlace where bonded goods would come to lie outside customs' supervision."""
    if customs_status == "bonded" and not place.is_bonded:
        raise NotBondedPlace(field="location", item=item.code, place=place.code)


def site_by_code(session: Session, code: str) -> Site:
    """Return a site by its code. Raises NotFound."""
    found = session.scalar(select(Site).where(Site.code == code))
    if found is None:
        raise NotFound(field="site", what=code)
    return found


def day_at(site: Site, at: datetime) -> date:
    """The day of an instant at a site."""
    return at.astimezone(ZoneInfo(site.time_zone)).date()
