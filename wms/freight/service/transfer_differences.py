"""A discrepancy of a transfer is settled by a second person: found, lost, accepted or sent back."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.freight.rules.transfers import (
    BondedLossNeedsCustoms,
    MoreThanOnTheWay,
    SecondPersonNeeded,
    UnknownDiscrepancy,
    UnknownTransfer,
    check_reason,
    check_settlement,
)
from wms.freight.service.transfer_desk import (
    acting_person,
    key_of,
    name_of,
    place_at,
    refuse_unbonded,
    site_by_code,
)
from wms.freight.tables.transfers import Transfer, TransferDiscrepancy, TransferLine
from wms.parties.tables import Site
from wms.record.service import append_leaf
from wms.stock import ledger
from wms.stock.ledger import AccountKey, Line


@dataclass(frozen=True)
class Settle:
    """How a discrepancy ends. ``qty``: only a part of it. ``location`` (of ``site``): where found goods lie now."""

    transfer_no: str
    discrepancy_id: int
    settlement: str
    reason: str
    event_at: datetime
    qty: int | None = None
    site: str | None = None
    location: str | None = None


def settle(session: Session, command: Settle) -> TransferDiscrepancy:
    """Post the end of a discrepancy. What is found in part leaves the rest open.

    Raises:
        ReasonMissing, UnknownTransfer, UnknownDiscrepancy, WrongSettlement, SecondPersonNeeded, MoreThanOnTheWay,
        BondedLossNeedsCustoms, PlaceOfAnotherSite, NotBondedPlace, and what the ledger refuses.
    """
    said = check_reason(command.reason)
    transfer, found = _locked(session, command)
    check_settlement(found.kind, command.settlement)
    person_id = acting_person(session)
    if person_id is None or person_id == found.opened_by:
        raise SecondPersonNeeded(person=name_of(session, found.opened_by))
    qty = command.qty or found.qty
    line = session.get_one(TransferLine, found.line_id)
    if qty > found.qty:
        raise MoreThanOnTheWay(field="qty", line_no=line.line_no, counted=qty, open=found.qty)
    if qty < found.qty:
        _split(session, found, qty)
    item = session.get_one(TradeItem, line.trade_item_id)
    entries = _entries(session, transfer, found, item, command)
    posting = ledger.Posting(
        f"transfer:{transfer.id}:settle:{found.id}", f"transfer_{command.settlement}", command.event_at,
        _valued(entries, line.unit_value_minor), transfer.transfer_no, said,
    )  # fmt: skip
    found.settle_posting_id = ledger.post(session, posting).posting_id
    found.settlement, found.settle_reason = command.settlement, said
    found.settled_by, found.settled_at = person_id, command.event_at
    append_leaf(
        session,
        "transfer_discrepancy_settled",
        {"transfer_no": transfer.transfer_no, "kind": found.kind, "settlement": command.settlement, "qty": qty},
        found.id,
    )
    session.flush()
    return found


def _locked(session: Session, command: Settle) -> tuple[Transfer, TransferDiscrepancy]:
    transfer = session.scalar(
        select(Transfer).where(Transfer.transfer_no == command.transfer_no).with_for_update(key_share=True)
    )
    if transfer is None:
        raise UnknownTransfer(transfer_no=command.transfer_no)
    found = session.scalar(
        select(TransferDiscrepancy)
        .where(TransferDiscrepancy.id == command.discrepancy_id, TransferDiscrepancy.transfer_id == transfer.id)
        .execution_options(populate_existing=True)
    )
    if found is None or found.settlement is not None:
        raise UnknownDiscrepancy(transfer_no=command.transfer_no, discrepancy_id=command.discrepancy_id)
    return transfer, found


def _split(session: Session, found: TransferDiscrepancy, qty: int) -> None:
    """Leave the rest open in a row of its own."""
    kept = ("transfer_id", "line_id", "owner_id", "answerable_id", "kind", "account_id", "other_account_id",
            "posting_id", "due_on", "opened_by", "opened_at")  # fmt: skip
    session.add(TransferDiscrepancy(qty=found.qty - qty, **{name: getattr(found, name) for name in kept}))
    found.qty = qty
    session.flush()


def _entries(
    session: Session, transfer: Transfer, found: TransferDiscrepancy, item: TradeItem, command: Settle
) -> tuple[Line, ...]:
    account = key_of(session, found.account_id)
    written_off = AccountKey("adjustment", account.owner_id, account.trade_item_id)
    if command.settlement in ("lost", "accepted") and account.customs_status == "bonded":
        raise BondedLossNeedsCustoms(qty=found.qty, item=item.code)
    if command.settlement == "lost":
        return ledger.moved(account, written_off, found.qty)
    if command.settlement == "found":
        site = (
            site_by_code(session, command.site)
            if command.site
            else session.get_one(Site, transfer.from_site_id if transfer.turned_back_at else transfer.to_site_id)
        )
        place = place_at(session, site, command.location or "")
        refuse_unbonded(place, item, account.customs_status)
        target = replace(account, kind="location", site_id=site.id, location_id=place.id)
        return ledger.moved(account, target, found.qty)
    assert found.other_account_id is not None
    held = key_of(session, found.other_account_id)
    if command.settlement == "sent_back":
        return ledger.moved(held, account, found.qty)
    return (
        *ledger.moved(written_off, account, found.qty),
        *ledger.moved(held, replace(held, quality_status="good"), found.qty),
    )


def _valued(entries: tuple[Line, ...], unit_value_minor: int) -> tuple[Line, ...]:
    return tuple(replace(line, value_minor=line.qty * unit_value_minor) for line in entries)
