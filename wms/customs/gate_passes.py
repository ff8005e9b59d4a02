"""Gate passes (核放单): apply, move the goods to those waiting to leave, approve, void.

Quantities on passes never exceed what the document declares, and what passed never exceeds what is on passes
(customs reference, 1.3); both are conditional updates and CHECK constraints of ``verification_line``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.codes import plates
from wms.customs import pass_documents, transits
from wms.customs.gate_pass_rules import (
    CONTAINER_SEPARATOR,
    VOIDABLE,
    BadPass,
    GoodsNotMoved,
    MoreThanDeclared,
    NewPass,
    PassLine,
    PassNotInState,
    PassUsed,
    UnknownPass,
    check_new_pass,
    pass_number,
)
from wms.customs.tables import (
    GatePass,
    GatePassDocument,
    GatePassGoods,
    GatePassLine,
    GatePassRegistered,
    MovementSlipLine,
    VerificationLine,
)
from wms.customs.using_up import use_up
from wms.errors import N_
from wms.parties.tables import Site
from wms.record.service import append_leaf
from wms.stock.accounts import account_ids
from wms.stock.ledger import AccountKey, Line, Posted, Posting, moved, post, reverse
from wms.stock.tables import Posting as PostingRow

DEFAULT_OFFICE = "4900"  # 长沙关区, where the site's own office is not set


def apply_for_pass(session: Session, new: NewPass) -> GatePass:
    """File a pass (state ``applied``) and put its quantities on passes.

    Raises:
        BadPass: what the application lacks.
        PassTypeForbids, GoodsNotOfDocument, NotWholeDocument: its documents do not carry it.
        MoreThanDeclared: a line exceeds what its document has left.
    """
    check_new_pass(new)
    new = pass_documents.bound(session, new, datetime.now(UTC))
    gate_pass = GatePass(
        internal_no=new.internal_no,
        owner_id=new.owner_id,
        site_id=new.site_id,
        direction=new.direction,
        pass_type=new.pass_type,
        bind_type=new.bind_type,
        state="applied",
        is_double_gate=new.is_double_gate,
        vehicle_plate=plates.normalise(new.vehicle_plate),
        trailer_plate=plates.normalise(new.trailer_plate) if new.trailer_plate else None,
        e_plate=new.e_plate,
        container_no=CONTAINER_SEPARATOR.join(new.container_nos) or None,
        seal_no=new.seal_no,
        vehicle_weight_g=new.vehicle_weight_g,
        frame_weight_g=new.frame_weight_g,
        container_weight_g=new.container_weight_g,
        goods_gross_weight_g=new.goods_gross_weight_g,
        total_weight_g=new.total_weight_g,
        goods_class=new.goods_class,
        valid_from_at=new.valid_from_at,
        valid_until_at=new.valid_until_at,
    )
    session.add(gate_pass)
    session.flush()
    _put_on_pass(session, new.lines)
    _add_parts(session, gate_pass.id, new)
    session.flush()
    return gate_pass


def _put_on_pass(session: Session, lines: tuple[PassLine, ...]) -> None:
    """Raise ``on_passes_qty`` of each verification line, in ascending id so that rivals cannot deadlock."""
    for line_no, line in sorted(enumerate(lines, 1), key=lambda pair: pair[1].verification_line_id or 0):
        if line.slip_line_id is not None:
            _put_slip_on_pass(session, line_no, line)
        if line.verification_line_id is None:
            continue
        use_up(session, line.verification_line_id, line_no, line.qty)


def _put_slip_on_pass(session: Session, line_no: int, line: PassLine) -> None:
    grown = session.execute(
        update(MovementSlipLine)
        .where(
            MovementSlipLine.id == line.slip_line_id,
            MovementSlipLine.on_passes_qty + line.qty <= MovementSlipLine.qty,
        )
        .values(on_passes_qty=MovementSlipLine.on_passes_qty + line.qty)
        .returning(MovementSlipLine.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if grown is None:
        raise MoreThanDeclared(line_no=line_no, wanted=line.qty)


def _add_parts(session: Session, pass_id: int, new: NewPass) -> None:
    for line_no, line in enumerate(new.lines, 1):
        session.add(
            GatePassLine(
                gate_pass_id=pass_id,
                line_no=line_no,
                trade_item_id=line.trade_item_id,
                verification_line_id=line.verification_line_id,
                slip_line_id=line.slip_line_id,
                qty=line.qty,
                gross_weight_g=line.gross_weight_g,
            )
        )
    for document in new.documents:
        session.add(
            GatePassDocument(
                gate_pass_id=pass_id,
                document_kind=document.document_kind,
                document_no=document.document_no,
                verification_list_id=document.verification_list_id,
                movement_slip_id=document.movement_slip_id,
            )
        )
    for line_no, one in enumerate(new.registered, 1):
        session.add(GatePassRegistered(gate_pass_id=pass_id, line_no=line_no, **vars(one)))


def waiting_to_leave(source: AccountKey) -> AccountKey:
    """The account of goods that are declared and loaded but have not left: no place and no handling unit any more."""
    return replace(source, kind="declared_not_left", location_id=None, handling_unit_id=None)


def beyond_gate(waiting: AccountKey, transit_site_id: int | None) -> AccountKey:
    """Where goods are once the gate let them out: with the customer, or on the way to a site of the house's own.

    On the way they are goods declared for export: they left the zone, so no line of the account book counts them.
    """
    if transit_site_id is None:
        return replace(waiting, kind="customer", site_id=None)
    left = {"customs_status": "export", "book_line_id": None} if waiting.customs_status == "bonded" else {}
    return replace(waiting, kind="in_transit", site_id=transit_site_id, **left)  # type: ignore[arg-type]


def move_to_waiting(
    session: Session, pass_id: int, sources: Mapping[int, AccountKey], *, key: str, event_at: datetime
) -> Posted:
    """Post the goods of a pass from their places (by line number) to the goods waiting to leave.

    Raises:
        UnknownPass, PassNotInState, BadPass, or what the ledger refuses (ShortStock …).
    """
    quantities = {line.line_no: line.qty for line in pass_lines(session, pass_id)}
    whole = {line_no: ((account, quantities.get(line_no, 0)),) for line_no, account in sources.items()}
    return move_loaded_to_waiting(session, pass_id, whole, key=key, event_at=event_at)


def move_loaded_to_waiting(
    session: Session,
    pass_id: int,
    sources: Mapping[int, Sequence[tuple[AccountKey, int]]],
    *,
    key: str,
    event_at: datetime,
) -> Posted:
    """As :func:`move_to_waiting`, for lines whose goods lie in several accounts (units and lots on a vehicle).

    ``sources`` gives for each line number the accounts and how many base units of each; together as many as the line.

    Raises:
        UnknownPass, PassNotInState, BadPass, GoodsNotOfDocument, or what the ledger refuses (ShortStock …).
    """
    gate_pass = _locked(session, pass_id)
    if gate_pass.state not in ("applied", "approved"):
        raise PassNotInState(number=_name(gate_pass), state=gate_pass.state, wanted="applied, approved")
    lines = pass_lines(session, pass_id)
    if gate_pass.direction != "E" or set(sources) != {line.line_no for line in lines}:
        raise BadPass(rule=N_("each line of a pass that leaves needs the place its goods lie in"))
    if any(sum(qty for _, qty in sources[line.line_no]) != line.qty for line in lines):
        raise BadPass(rule=N_("each line of a pass that leaves needs exactly the goods that it names"))
    pass_documents.check_sources(session, ((line, key) for line in lines for key, _ in sources[line.line_no]))
    entries: list[Line] = []
    goods: list[_Waiting] = []
    for line in lines:
        for (account, qty), weight_g in zip(sources[line.line_no], _weights(line, sources[line.line_no]), strict=True):
            waiting = waiting_to_leave(account)
            own = is_kept_by_weight(session, account.trade_item_id)  # its pieces carry their own grams with them
            entries += moved(account, waiting, qty, weight_g=None if own else weight_g)
            goods.append(_Waiting(line, waiting, qty, weight_g))
    posted = post(session, Posting(key, "declare_leaving", event_at, tuple(entries), _source_doc(gate_pass)))
    _note_goods(session, goods)
    return posted


@dataclass(frozen=True)
class _Waiting:
    """Part of a line's goods in the account they wait in."""

    line: GatePassLine
    account: AccountKey
    qty: int
    weight_g: int


def _weights(line: GatePassLine, parts: Sequence[tuple[AccountKey, int]]) -> list[int]:
    """Share a line's gross weight over its parts by quantity, to the gram; the last takes what is left."""
    shares = [line.gross_weight_g * qty // line.qty for _, qty in parts]
    shares[-1] += line.gross_weight_g - sum(shares)
    return shares


def _note_goods(session: Session, goods: Sequence[_Waiting]) -> None:
    """Remember in which accounts each line's goods wait: those of one lot together, however many units held them."""
    ids = account_ids(session, {one.account for one in goods})
    sums: dict[tuple[int, int], tuple[int, int]] = {}
    for one in goods:
        where = (one.line.id, ids[one.account])
        qty, weight_g = sums.get(where, (0, 0))
        sums[where] = (qty + one.qty, weight_g + one.weight_g)
    for (line_id, account_id), (qty, weight_g) in sums.items():
        session.add(GatePassGoods(gate_pass_line_id=line_id, account_id=account_id, qty=qty, gross_weight_g=weight_g))
    for one in goods:
        if one.line.account_id is None:
            one.line.account_id = ids[one.account]
    session.flush()


def take_back_from_waiting(session: Session, pass_id: int, *, reason: str, at: datetime) -> None:
    """Bring the goods of a pass that is still applied for back to where they were loaded.

    Raises:
        UnknownPass, PassNotInState.
    """
    gate_pass = _locked(session, pass_id)
    if gate_pass.state != "applied":
        raise PassNotInState(number=_name(gate_pass), state=gate_pass.state, wanted="applied")
    _bring_back(session, gate_pass, reason, at)
    for line in pass_lines(session, pass_id):
        line.account_id = None
        session.execute(delete(GatePassGoods).where(GatePassGoods.gate_pass_line_id == line.id))
    session.flush()


def is_kept_by_weight(session: Session, trade_item_id: int) -> bool:
    """Whether each piece of the item has grams of its own, which the ledger keeps."""
    return bool(session.scalar(select(TradeItem.is_catch_weight).where(TradeItem.id == trade_item_id)))


def goods_of_line(session: Session, line: GatePassLine) -> list[tuple[int, int, int]]:
    """Return (account, base units, grams) of a line's goods that wait to leave; none before they were moved there."""
    rows = session.execute(
        select(GatePassGoods.account_id, GatePassGoods.qty, GatePassGoods.gross_weight_g)
        .where(GatePassGoods.gate_pass_line_id == line.id)
        .order_by(GatePassGoods.account_id)
    ).all()
    if rows:
        return [(row[0], row[1], row[2]) for row in rows]
    # A line whose goods were moved before its accounts were told apart names the one account itself.
    return [(line.account_id, line.qty, line.gross_weight_g)] if line.account_id is not None else []


def approve_pass(session: Session, pass_id: int, *, at: datetime, pass_no: str | None = None) -> GatePass:
    """Approve a pass (SAS221) under customs' number, or one of the same shape where customs gave none.

    Raises:
        UnknownPass, PassNotInState, GoodsNotMoved, TransitNotApproved, TransitDiffers.
    """
    gate_pass = _locked(session, pass_id)
    if gate_pass.state != "applied":
        raise PassNotInState(number=_name(gate_pass), state=gate_pass.state, wanted="applied")
    transits.check_pass(session, gate_pass)
    if gate_pass.direction == "E" and any(line.account_id is None for line in pass_lines(session, pass_id)):
        raise GoodsNotMoved(number=_name(gate_pass))
    gate_pass.pass_no = pass_no or pass_number(_office(session, gate_pass.site_id), gate_pass.direction, at, pass_id)
    gate_pass.state, gate_pass.approved_at = "approved", at
    session.flush()
    append_leaf(
        session, "gate_pass_approved", {"pass_no": gate_pass.pass_no, "plate": gate_pass.vehicle_plate}, pass_id
    )
    return gate_pass


def _office(session: Session, site_id: int) -> str:
    area = session.scalar(select(Site.customs_area).where(Site.id == site_id))
    return area if area and re.fullmatch(r"\d{4}", area) else DEFAULT_OFFICE


def void_pass(session: Session, pass_id: int, *, reason: str, at: datetime) -> GatePass:
    """Void a pass: its quantities go back to the document, its goods back to their places.

    Raises:
        UnknownPass, PassUsed (after passage), PassNotInState.
    """
    gate_pass = _locked(session, pass_id)
    if gate_pass.state in ("passed", "passed_first"):
        raise PassUsed(number=_name(gate_pass))
    if gate_pass.state not in VOIDABLE:
        raise PassNotInState(number=_name(gate_pass), state=gate_pass.state, wanted=", ".join(VOIDABLE))
    gate_pass.state = "void"
    session.flush()
    for line in sorted(pass_lines(session, pass_id), key=lambda line: line.verification_line_id or 0):
        session.execute(
            update(VerificationLine)
            .where(VerificationLine.id == line.verification_line_id)
            .values(on_passes_qty=VerificationLine.on_passes_qty - line.qty)
            .execution_options(synchronize_session=False)
        )
        session.execute(
            update(MovementSlipLine)
            .where(MovementSlipLine.id == line.slip_line_id)
            .values(on_passes_qty=MovementSlipLine.on_passes_qty - line.qty)
            .execution_options(synchronize_session=False)
        )
    _bring_back(session, gate_pass, reason, at)
    append_leaf(session, "gate_pass_voided", {"pass_no": gate_pass.pass_no, "reason": reason}, pass_id)
    return gate_pass


def _bring_back(session: Session, gate_pass: GatePass, reason: str, at: datetime) -> None:
    moves = session.scalars(
        select(PostingRow.id).where(
            PostingRow.kind == "declare_leaving",
            PostingRow.source_doc == _source_doc(gate_pass),
            PostingRow.id.not_in(select(PostingRow.reverses_id).where(PostingRow.reverses_id.is_not(None))),
        )
    )
    for posting_id in moves:
        reverse(session, f"void-pass:{gate_pass.id}:{posting_id}", posting_id, reason=reason, event_at=at)


def pass_lines(session: Session, pass_id: int) -> list[GatePassLine]:
    """The goods of a pass in the order of its lines."""
    found = select(GatePassLine).where(GatePassLine.gate_pass_id == pass_id).order_by(GatePassLine.line_no)
    return list(session.scalars(found))


def account_key(session: Session, account_id: int) -> AccountKey:
    """The dimensions of an account."""
    row = session.execute(
        text(
            "SELECT kind, owner_id, trade_item_id, site_id, location_id, lot_id, handling_unit_id, customs_status,"
            " quality_status, book_line_id FROM account WHERE id = :id"
        ),
        {"id": account_id},
    ).one()
    return AccountKey(*row)


def promise_of(session: Session, line: GatePassLine) -> int | None:
    """The promise on the account book that the document behind a pass line holds."""
    if line.verification_line_id is not None:
        of_list = select(VerificationLine.promise_id).where(VerificationLine.id == line.verification_line_id)
        return session.scalar(of_list)
    if line.slip_line_id is not None:
        return session.scalar(select(MovementSlipLine.promise_id).where(MovementSlipLine.id == line.slip_line_id))
    return None


def _locked(session: Session, pass_id: int) -> GatePass:
    found = session.scalar(
        select(GatePass)
        .where(GatePass.id == pass_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise UnknownPass(pass_id=pass_id)
    return found


def _source_doc(gate_pass: GatePass) -> str:
    return f"gate-pass:{gate_pass.internal_no}"


def _name(gate_pass: GatePass) -> str:
    return gate_pass.pass_no or gate_pass.internal_no
