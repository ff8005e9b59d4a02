"""The correspondence with customs about lists and passes: declarations out, answers in, each moves its document on.

An answer that comes too early waits, one that comes late or twice changes nothing. What an answer implies is taken from
it when the answer that should have said so was lost: a booking implies the approval, a passage implies the pass.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.codes import lists as codes
from wms.customs import bonded_forms, gate_passes, list_changes, list_queries, rules, transits
from wms.customs import verification_lists as lists
from wms.customs.clock import BEIJING
from wms.customs.gate_pass_rules import GoodsNotMoved, UnknownPass
from wms.customs.messages import post_office
from wms.customs.messages.bonded import STATUS_FORM
from wms.customs.messages.post_office import NotYet, Received
from wms.customs.tables import (
    AccountBook,
    CustomsMessage,
    CustomsNumber,
    GatePass,
    GatePassDocument,
    GatePassLine,
    VerificationChange,
    VerificationLine,
    VerificationList,
)
from wms.errors import N_, Kind, WmsError
from wms.parties.tables import Company, Site
from wms.stock.tables import BookLine

LIST, PASS = "list", "pass"
PASSED, RETURNED, APPROVED_LIST = "1", "3", "4"  # manageResult; 2 says that somebody looks at it: nothing is decided
VOID, APPLIED = "6", "0"
BOOKED = "2"
FIVE_PLACES = Decimal("0.00001")  # a part of a declared unit, as customs writes quantities
COLLECTED = "8"  # 保税电商: its parcels were declared and released one by one


class NoCurrencyCode(WmsError):
    """Customs' list of currencies has no code for it on the day: the list cannot be declared."""

    code = "currency_without_customs_code"
    kind = Kind.INVALID
    text = N_("Customs' list of currencies has no code for %(currency)s on %(on)s.")


def declare_list(session: Session, list_id: int, at: datetime, *, by_hand: bool = False) -> int | None:
    """Declare a list to customs (INV101): its state and the queued message in one. Returns the message's id.

    ``by_hand``: it was typed into the single window; no message leaves.
    """
    lists.declare(session, list_id, at)
    if by_hand:
        return None
    raw = bonded_forms.verification_list(_list_head(session, list_id, at, "1"), _list_lines(session, list_id, at), at)
    return post_office.send(session, "INV101", session.get_one(VerificationList, list_id).internal_no, raw)


def send_change(session: Session, asked: VerificationChange, at: datetime) -> int:
    """Send what was asked of a declared list: new quantities (dclTypecd 2), or its deletion (3)."""
    list_id = asked.verification_list_id
    lines = _list_lines(session, list_id, at)
    for line in lines:
        wanted = asked.wanted.get(line["gdsSeqno"])
        if wanted is not None:
            line |= {"dclQty": _plain(Decimal(wanted["declared_qty"])), "modfMarkcd": "1"}
        elif asked.kind == "3":
            line["modfMarkcd"] = "2"
    head = _list_head(session, list_id, at, asked.kind)
    return post_office.send(session, "INV101", head["etpsInnerInvtNo"], bonded_forms.verification_list(head, lines, at))


def _list_head(session: Session, list_id: int, at: datetime, change: str) -> dict[str, str]:
    row = session.get_one(VerificationList, list_id, populate_existing=True)
    book = session.get_one(AccountBook, row.account_book_id)
    keeper = session.get_one(Company, book.company_id)
    office = _office(session, book.site_id)
    numbered = {"bondInvtNo": row.list_no} if row.list_no else {}
    return {
        "etpsInnerInvtNo": row.internal_no, **numbered, "putrecNo": book.book_no, "dclTypecd": change,
        "invtType": row.list_type,
        **_triplet(keeper, "bizopEtpsSccd", "bizopEtpsno", "bizopEtpsNm"),
        **_triplet(keeper, "rvsngdEtpsSccd", "rcvgdEtpsno", "rcvgdEtpsNm"),
        **_triplet(keeper, "dclEtpsSccd", "dclEtpsno", "dclEtpsNm"),
        "inputTime": _day(at), "invtDclTime": _day(at), "impexpMarkcd": row.direction, "mtpckEndprdMarkcd": "I",
        "supvModecd": row.trade_mode, "impexpPortcd": office, "dclPlcCuscd": office,
        "dclcusFlag": "2" if row.list_type == COLLECTED else "1",
        "dclcusTypecd": "2", "genDecFlag": "1", "decType": "3" if row.direction == "I" else "4",
        **_triplet(keeper, "corrEntryDclEtpsSccd", "corrEntryDclEtpsNo", "corrEntryDclEtpsNm"),
    }  # fmt: skip


def _currency(iso: str, at: datetime) -> str:
    on = at.astimezone(BEIJING).date()
    found = codes.by_iso(codes.ListName.CURRENCY, iso, on)
    if found is None:
        raise NoCurrencyCode(field="currency", currency=iso, on=on.isoformat())
    return found.code


def _list_lines(session: Session, list_id: int, at: datetime) -> list[dict[str, str]]:
    rows = session.execute(
        select(VerificationLine, BookLine.line_no, TradeItem)
        .join(BookLine, BookLine.id == VerificationLine.book_line_id)
        .join(TradeItem, TradeItem.id == VerificationLine.trade_item_id)
        .where(VerificationLine.verification_list_id == list_id)
        .order_by(VerificationLine.line_no)
    )
    return [
        {
            "gdsSeqno": str(line.line_no), "entryGdsSeqno": str(line.line_no), "putrecSeqno": str(book_line_no),
            **_goods(item), "dclUnitcd": line.customs_unit, "dclQty": _plain(line.declared_qty),
            "dclCurrcd": _currency(line.currency, at), "dclUprcAmt": _plain(Decimal(line.unit_price_minor) / 100),
            "dclTotalAmt": _plain(round(Decimal(line.unit_price_minor) / 100 * line.declared_qty, 2)),
            "modfMarkcd": "0",
        }
        for line, book_line_no, item in rows
    ]  # fmt: skip


def declare_pass(session: Session, pass_id: int, at: datetime, *, change: str = "1") -> int:
    """Apply to customs for a pass that was filed (SAS121; ``change`` 3: for its voiding). Returns the message's id."""
    row = session.get(GatePass, pass_id)
    if row is None:
        raise UnknownPass(pass_id=pass_id)
    owner, site_office = session.get_one(Company, row.owner_id), _office(session, row.site_id)
    documents = list(session.scalars(select(GatePassDocument).where(GatePassDocument.gate_pass_id == pass_id)))
    kind = documents[0].document_kind if documents else ""
    head = {
        "etpsPreentNo": row.internal_no, "dclTypecd": change, "ioTypecd": row.direction,
        "passportTypecd": row.pass_type, "bindTypecd": row.bind_type, "rltTbTypecd": kind,
        "rltNo": "\\".join(one.document_no for one in documents),
        "masterCuscd": site_office, **_triplet(owner, "areainEtpsSccd", "areainEtpsno", "areainEtpsNm"),
        "vehicleNo": row.vehicle_plate, "vehicleIcNo": row.e_plate or "", "containerNo": row.container_no or "",
        "vehicleWt": bonded_forms.kilograms(row.vehicle_weight_g),
        "vehicleFrameWt": bonded_forms.kilograms(row.frame_weight_g),
        "containerWt": bonded_forms.kilograms(row.container_weight_g),
        "totalGrossWt": bonded_forms.kilograms(row.goods_gross_weight_g),
        "totalNetWt": bonded_forms.kilograms(row.goods_gross_weight_g),
        "totalWt": bonded_forms.kilograms(row.total_weight_g), "dclTime": _day(at),
    }  # fmt: skip
    related = [{"rtlBillTypecd": one.document_kind, "rtlBillNo": one.document_no} for one in documents]
    raw = bonded_forms.gate_pass(head, _pass_lines(session, pass_id), related, at)
    return post_office.send(session, "SAS121", row.internal_no, raw)


def void_pass(session: Session, pass_id: int, reason: str, at: datetime, *, by_hand: bool = False) -> None:
    """Void a pass before its passage, and ask customs to void it (dclTypecd 3) where it was applied for by message."""
    row = gate_passes.void_pass(session, pass_id, reason=reason, at=at)
    applied = select(CustomsMessage.id).where(
        CustomsMessage.direction == "out", CustomsMessage.kind == "SAS121", CustomsMessage.number == row.internal_no
    )
    if not by_hand and session.scalar(applied.limit(1)) is not None:
        declare_pass(session, pass_id, at, change="3")


def _pass_lines(session: Session, pass_id: int) -> list[dict[str, str]]:
    rows = session.execute(
        select(GatePassLine, TradeItem, VerificationLine)
        .join(TradeItem, TradeItem.id == GatePassLine.trade_item_id)
        .outerjoin(VerificationLine, VerificationLine.id == GatePassLine.verification_line_id)
        .where(GatePassLine.gate_pass_id == pass_id)
        .order_by(GatePassLine.line_no)
    )
    found = []
    for line, item, of_list in rows:
        declared = (
            of_list.declared_qty * line.qty / of_list.declared_base_qty if of_list is not None else Decimal(line.qty)
        )
        weight = bonded_forms.kilograms(line.gross_weight_g)
        found.append(
            {
                "passportSeqNo": str(line.line_no), "rltGdsSeqno": str(of_list.line_no) if of_list is not None else "",
                **_goods(item), "dclUnitcd": of_list.customs_unit if of_list is not None else "",
                "dclQty": _plain(declared.quantize(FIVE_PLACES)), "grossWt": weight, "netWt": weight,
            }
        )  # fmt: skip
    return found


def report_passage(session: Session, pass_id: int, at: datetime, weighed_g: int | None = None) -> int | None:
    """Tell customs that our gate let the vehicle of a pass through; nothing where it was not applied for by message.

    Returns the message's id.
    """
    row = session.get_one(GatePass, pass_id)
    by_message = select(CustomsNumber.id).where(CustomsNumber.subject == PASS, CustomsNumber.subject_id == pass_id)
    if row.state != "passed" or session.scalar(by_message.limit(1)) is None:
        return None
    head = {
        "passportNo": row.pass_no or "", "ioTypecd": row.direction, "vehicleNo": row.vehicle_plate,
        "totalWt": bonded_forms.kilograms(row.total_weight_g),
        "passCollectWt": bonded_forms.kilograms(weighed_g) if weighed_g else "0",
        "passTime": f"{at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}", "stucd": BOOKED,
    }  # fmt: skip
    return post_office.send(session, "SAS223", row.internal_no, bonded_forms.passage(head, at))


def _goods(item: TradeItem) -> dict[str, str]:
    return {"gdecd": item.hs_code or "", "gdsMtno": item.code, "gdsNm": item.name_zh}


def _triplet(company: Company, *names: str) -> dict[str, str]:
    return dict(zip(names, (company.uscc or "", company.customs_code or company.code, company.name_zh), strict=True))


def _office(session: Session, site_id: int) -> str:
    area = session.scalar(select(Site.customs_area).where(Site.id == site_id)) or ""
    return area if len(area) == 4 and area.isdigit() else gate_passes.DEFAULT_OFFICE


def _day(at: datetime) -> str:
    return f"{at.astimezone(BEIJING):%Y%m%d}"


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


# --- answers ----------------------------------------------------------------------------------------------------------


def status_form(session: Session, received: Received) -> None:
    """Successed_ or Failed_: customs' client took a declaration in and gave it a number, or did not."""
    form = bonded_forms.fields_of(received.raw, STATUS_FORM)
    subject, subject_id = _subject_of(session, form.get("EtpsPreentNo", ""))
    if form.get("DealFlag") == "0":
        note = insert(CustomsNumber).values(number=form["SeqNo"], subject=subject, subject_id=subject_id)
        session.execute(note.on_conflict_do_nothing())
    elif subject == LIST and list_queries.list_row(session, subject_id).state == "declared":
        lists.send_back(session, subject_id)
    elif subject == LIST and (asked := list_changes.waiting(session, subject_id)) is not None:
        list_changes.refuse(session, subject_id, asked.change_count, received.received_at)


def _subject_of(session: Session, internal_no: str) -> tuple[str, int]:
    for subject, table in ((LIST, VerificationList), (PASS, GatePass)):
        found = session.scalar(select(table.id).where(table.internal_no == internal_no))
        if found is not None:
            return subject, found
    raise rules.UnknownList(number=internal_no)


def list_answer(session: Session, received: Received) -> None:
    """INV201 and INV211: approval, return or booking of a list."""
    form = bonded_forms.fields_of(received.raw, "HdeApprResult", "BondInvtBsc")
    list_id = list_queries.list_id_of(session, form["etpsInnerInvtNo"])
    result, at = form.get("manageResult", ""), received.received_at
    asked = list_changes.waiting(session, list_id)
    is_booked = form.get("vrfdedMarkcd") == BOOKED
    if asked is not None and form.get("chgTmsCnt") == str(asked.change_count):
        if result == RETURNED:
            list_changes.refuse(session, list_id, asked.change_count, at)
        elif result in (PASSED, APPROVED_LIST) or is_booked:
            list_changes.approve(session, list_id, asked.change_count, at)
    elif result == RETURNED and list_queries.list_row(session, list_id).state == "declared":
        lists.send_back(session, list_id)
    if result == APPROVED_LIST or is_booked:
        _approve_list(session, list_id, form, at)
        _note_release(session, list_id, form, at)
    if received.kind == "INV211" and is_booked:
        _book_list(session, list_id, form)


def _approve_list(session: Session, list_id: int, form: Mapping[str, str], at: datetime) -> None:
    if list_queries.list_row(session, list_id).state == "declared":
        lists.pre_deduct(session, list_id, form["bondInvtNo"], at)


def _note_release(session: Session, list_id: int, form: Mapping[str, str], at: datetime) -> None:
    """The declaration behind the list is released: told by entryStucd, in whichever answer comes first."""
    row = session.get_one(VerificationList, list_id, populate_existing=True)
    if form.get("entryStucd") == "1" and row.state == "pre_deducted" and row.entry_released_at is None:
        lists.release_entry(session, list_id, form.get("entryNo") or form.get("rltEntryNo") or None, at)


def _book_list(session: Session, list_id: int, form: Mapping[str, str]) -> None:
    """Post the booking as of now: the goods it waited for may have been counted after the message came."""
    if list_queries.list_row(session, list_id).state == "booked":
        return
    try:
        lists.book(session, list_id, f"INV211:{form['bondInvtNo']}:{form.get('chgTmsCnt', '0')}", datetime.now(UTC))
    except (rules.GoodsNotThroughGate, rules.GoodsNotCounted, transits.TransitNotArrived) as early:
        raise NotYet(what=str(early)) from None


def generated_entry(session: Session, received: Received) -> None:
    """INV202: a declaration was made from the list; its number comes with the booking, so nothing moves here."""
    form = bonded_forms.fields_of(received.raw, "InvApprResult")
    list_queries.list_id_of(session, form.get("businessId", ""))


def pass_answer(session: Session, received: Received) -> None:
    """SAS221, SAS223 and SAS224: approval, return, voiding and passage of a pass."""
    form = bonded_forms.fields_of(received.raw, "HdeApprResult", "SasPassportBsc")
    row = _pass_of(session, form)
    if received.kind == "SAS224":
        return  # an inspection that found nothing: the pass stands
    is_returned = received.kind == "SAS221" and form.get("manageResult") == RETURNED
    if is_returned or form.get("stucd") == VOID:
        _void(session, row, form, received.received_at)
    elif form.get("stucd") != APPLIED:
        _approve_pass(session, row, form, received.received_at)
        if received.kind == "SAS223" and row.state not in ("passed", "passed_first"):
            raise NotYet(what=f"{row.vehicle_plate}")


def _approve_pass(session: Session, row: GatePass, form: Mapping[str, str], at: datetime) -> None:
    if row.state != "applied":
        return
    try:
        gate_passes.approve_pass(session, row.id, at=at, pass_no=form["passportNo"])
    except (GoodsNotMoved, transits.TransitNotApproved) as early:
        raise NotYet(what=str(early)) from None


def _void(session: Session, row: GatePass, form: Mapping[str, str], at: datetime) -> None:
    if row.state in ("applied", "approved"):
        gate_passes.void_pass(session, row.id, reason=form.get("rmk") or "SAS221", at=at)


def _pass_of(session: Session, form: Mapping[str, str]) -> GatePass:
    """The pass an answer is about: by customs' number, else by the pre-entry number of its status form."""
    number = form.get("passportNo", "")
    found = session.scalar(select(GatePass).where(GatePass.pass_no == number)) if number else None
    if found is not None:
        return found
    pre_entry = form.get("sasPassportPreentNo") or form.get("etpsPreentNo", "")
    pass_id = session.scalar(
        select(CustomsNumber.subject_id).where(CustomsNumber.number == pre_entry, CustomsNumber.subject == PASS)
    )
    if pass_id is None:
        raise NotYet(what=pre_entry)
    return session.get_one(GatePass, pass_id)


def register(kinds: Sequence[tuple[str, post_office.Handler]] = ()) -> None:
    """Enter the handlers of the bonded set at the post office."""
    ours = (
        (STATUS_FORM, status_form), ("INV201", list_answer), ("INV211", list_answer), ("INV202", generated_entry),
        ("SAS221", pass_answer), ("SAS223", pass_answer), ("SAS224", pass_answer), *kinds,
    )  # fmt: skip
    post_office.HANDLERS.update(ours)
