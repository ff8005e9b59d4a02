"""Use cases that change what goods are, where they lie: quality status, customs status, owner. Each is a posting."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.codes.numbers import document_no
from wms.customs import freeing
from wms.customs.status_rules import check_change
from wms.floor import unit_queries
from wms.floor.rules import ownership as owner_rules
from wms.floor.rules import repacking as choice
from wms.floor.rules.repacking import Wanted
from wms.floor.service import holding, units
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.units import Deed
from wms.floor.tables import OwnerChange
from wms.floor.unit_queries import Content
from wms.parties.tables import Company, Location
from wms.record.service import append_leaf
from wms.stock import ledger
from wms.stock.ledger import AccountKey, Line
from wms.stock.lots import same_lot
from wms.stock.tables import HandlingUnit
from wms.stock.units import make_unit


@dataclass(frozen=True)
class Goods:
    """Goods of an owner at a place: in a unit (``sscc``), or loose."""

    owner_id: int
    place: Location
    wanted: Wanted
    sscc: str | None = None


@dataclass(frozen=True)
class Agreement:
    """By which documents both owners agreed: a contract, a letter; and the taker's own code of the item."""

    giver: str | None
    taker: str | None
    to_item: str | None = None


def change_quality(session: Session, goods: Goods, to_status: str, deed: Deed) -> int:
    """Post goods to another quality status where they lie; return the posting's id.

    Raises UnknownHandlingUnit, NotSoManyInUnit, NotSellable (bonded goods that are not booked), or a refusal of the
    ledger.
    """
    lying, taken = _lying(session, goods)
    changes = [(one.account, part.qty) for one, part in zip(lying, taken, strict=True)]
    holding.refuse_unbooked(session, changes, to_status)
    return _post(session, goods, deed, "quality_change", quality_status=to_status)


def change_customs(session: Session, goods: Goods, to_status: str, deed: Deed) -> int:
    """Post goods to another customs status; return the posting's id.

    Bonded goods become free by a released list of their owner, whose lines they use up as a passage would.
    Raises the refusals of :func:`wms.customs.status_rules.check_change`, NotOnList, MoreThanDeclared, NotSoManyInUnit,
    or a refusal of the ledger.
    """
    found = freeing.list_of_owner(session, goods.owner_id, deed.document)
    document = freeing.document_of(session, found, deed.document) if found else None
    lying, taken = _lying(session, goods)
    for one in lying:
        check_change(one.account.customs_status, to_status, deed.document, document)
    if found is None or all(one.account.customs_status != "bonded" for one in lying):
        return _post(session, goods, deed, "customs_change", customs_status=to_status)
    parts = [(one.account, part.qty) for one, part in zip(lying, taken, strict=True)]
    of_book = freeing.free(session, found.id, parts)
    deed = replace(deed, document=found.list_no or found.internal_no)
    return _post(session, goods, deed, "customs_change", of_book, customs_status=to_status, book_line_id=None)


def _lying(session: Session, goods: Goods) -> tuple[list[Content], tuple[choice.Taken, ...]]:
    """Return what is meant: the accounts that goods are taken from, and how many from each."""
    if goods.sscc:
        unit = units.known(session, goods.sscc)
        units.lock(session, [unit.id])
        lying = [one for one in unit_queries.contents(session, [unit.id]) if one.account.owner_id == goods.owner_id]
    else:
        lying = list(unit_queries.loose(session, goods.place.id, goods.owner_id))
    taken = choice.choose(lying, [goods.wanted], goods.sscc or goods.place.code)
    return [lying[one.place] for one in taken], taken


def _post(
    session: Session, goods: Goods, deed: Deed, kind: str, of_book: Sequence[Line] = (), **changed: str | None
) -> int:  # fmt: skip
    lying, taken = _lying(session, goods)
    lines: list[Line] = list(of_book)
    for one, part in zip(lying, taken, strict=True):
        grams = one.weight_g if part.qty == one.qty else goods.wanted.weight_g
        serials = goods.wanted.serials if len(taken) == 1 else ()
        target = replace(one.account, **changed)  # type: ignore[arg-type]
        lines += ledger.moved(one.account, target, part.qty, weight_g=grams, serials=serials)
    at = max([deed.event_at, *(one.last_event_at for one in lying)])
    posting = ledger.Posting(f"status:{deed.key}", kind, at, tuple(lines), deed.document, deed.reason, deed.device)
    return ledger.post(session, posting).posting_id


def give(session: Session, goods: Goods, to_owner_id: int, agreement: Agreement, deed: Deed) -> OwnerChange:
    """Let goods go from one owner to another, where they lie; a unit that is given whole gets a label of the taker's.

    Each owner files goods under codes of its own: the goods leave as the giver's item and enter as the taker's, with
    the same GTIN or the code that is named, through the transformation account.
    Raises AgreementMissing, SameOwner, BondedKeepsOwner, TakerHasNoItem, NotSoManyInUnit, or a ledger's refusal.
    """
    owner_rules.check_agreement(goods.owner_id, to_owner_id, agreement.giver, agreement.taker)
    lying, taken = _lying(session, goods)
    if any(one.account.customs_status == "bonded" for one in lying):
        raise owner_rules.BondedKeepsOwner
    source = session.get_one(TradeItem, goods.wanted.trade_item_id)
    target = _takers_item(session, source, to_owner_id, agreement.to_item)
    unit_id = lying[0].account.handling_unit_id
    new_unit = None
    if unit_id is not None and _is_all_of_unit(session, unit_id, lying, taken):
        kind = session.get_one(HandlingUnit, unit_id).kind
        new_unit = make_unit(session, kind, to_owner_id)
    lines: list[Line] = []
    for one, part in zip(lying, taken, strict=True):
        lines += _over(session, one, part.qty, goods, target, new_unit.id if new_unit else None)
    at = max([deed.event_at, *(one.last_event_at for one in lying)])
    posting = ledger.Posting(
        f"owner:{deed.key}", "owner_change", at, tuple(lines), agreement.giver, deed.reason, deed.device
    )
    posting_id = ledger.post(session, posting).posting_id
    for one, part in zip(lying, taken, strict=True):
        if unit_id is not None:
            lot_id = same_lot(session, one.account.lot_id, target.id)
            units.note(
                session, deed, "given", to_owner_id, unit_id, new_unit.id if new_unit else None,
                trade_item_id=target.id, lot_id=lot_id, qty=part.qty, posting_id=posting_id,
            )  # fmt: skip
    change = OwnerChange(
        owner_id=goods.owner_id, to_owner_id=to_owner_id, trade_item_id=source.id, to_item_id=target.id,
        handling_unit_id=unit_id, qty=goods.wanted.qty, giver_agreement=agreement.giver,
        taker_agreement=agreement.taker, posting_id=posting_id, person_id=session.scalar(select(APP_PERSON)),
        event_at=deed.event_at,
    )  # fmt: skip
    session.add(change)
    session.flush()
    change.change_no = document_no("OC", change.id)
    session.flush()
    said = {"no": change.change_no, "giver": agreement.giver, "taker": agreement.taker, "qty": change.qty}
    append_leaf(session, "owner_change", said, change.id)
    return change


def _over(
    session: Session, one: Content, qty: int, goods: Goods, target: TradeItem, unit_id: int | None
) -> tuple[Line, ...]:
    grams = one.weight_g if qty == one.qty else goods.wanted.weight_g
    account = one.account
    placed = replace(
        account, owner_id=target.owner_id, trade_item_id=target.id, lot_id=same_lot(session, account.lot_id, target.id),
        handling_unit_id=unit_id,
    )  # fmt: skip
    out = AccountKey("transformation", account.owner_id, account.trade_item_id)
    into = AccountKey("transformation", target.owner_id, target.id)
    serials = goods.wanted.serials or tuple(
        unit_queries.serials_of(session, [account]).get(account.dimensions, []) if qty == one.qty else ()
    )
    return (
        *ledger.moved(account, out, qty, weight_g=grams, serials=serials),
        *ledger.moved(into, placed, qty, weight_g=grams, serials=serials),
    )


def _takers_item(session: Session, source: TradeItem, to_owner_id: int, code: str | None) -> TradeItem:
    query = select(TradeItem).where(TradeItem.owner_id == to_owner_id)
    query = query.where(TradeItem.code == code) if code else query.where(TradeItem.gtin == source.gtin)
    found = session.scalars(query).one_or_none() if code or source.gtin else None
    alike = ("is_serial_controlled", "is_catch_weight", "base_unit")
    if found is None or any(getattr(found, name) != getattr(source, name) for name in alike):
        taker = session.get_one(Company, to_owner_id)
        raise owner_rules.TakerHasNoItem(field="to_item", owner=taker.code, item=code or source.gtin or source.code)
    return found


def _is_all_of_unit(
    session: Session, unit_id: int, lying: Sequence[Content], taken: Sequence[choice.Taken]
) -> bool:
    tree = unit_queries.tree_of(session, [unit_id])
    inner = unit_queries.contents(session, [unit_id, *tree.below(unit_id)])
    return sum(one.qty for one in inner) == sum(part.qty for part in taken) and len(inner) == len(lying)
