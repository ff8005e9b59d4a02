"""Import parcels: the declaration that waits for its three documents, release, tax bill, cancellation, return."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from web.demo.counter import checks, forms, register, tariff
from web.demo.counter.case import Case
from web.demo.counter.reading import Document

OPEN = ("waiting", "stored", "manual", "inspected")


def key_of(document: Document) -> str:
    """A parcel declaration is the one of its order."""
    return f"CEB621:{document.of('ebpCode')}:{document.of('orderNo')}"


def declare(case: Case, document: Document, *, signed: bool) -> None:
    """Take a parcel declaration (621)."""
    key = key_of(document)
    case.concern(key)
    known: dict[str, Any] | None = case.get(key)
    if known is not None and known["head"].get("guid") == document.of("guid"):
        return
    fields = {**document.head, "preNo": (known or {}).get("preNo") or register.pre_number(case, "B")}
    trouble = _trouble(case, document, known, signed)
    if trouble is not None:
        case.receipt("CEB622", key, fields, *trouble)
        return
    year = f"{case.local:%Y}"
    invt_no = f"{document.of('customsCode') or case.habits.office}{year}I{case.serial('invt'):09d}"
    state = {
        "head": dict(document.head), "lines": list(map(dict, document.lines)), "status": "waiting",
        "preNo": fields["preNo"], "invtNo": invt_no, "back": {}, "counted": "0", "year": year,
    }  # fmt: skip
    case.put(key, state)
    case.put(f"list:{invt_no}", key)
    for index in _indexes(document):
        case.put(index, key)
    _tell(case, key, "2", "申报中 declaring")
    if not examine(case, key):
        case.later("parcel.patience", key, case.habits.patience_ms)


def _trouble(case: Case, document: Document, known: dict[str, Any] | None, signed: bool) -> tuple[str, str] | None:
    if known is not None and known["status"] not in ("returned", "cancelled"):
        return "-621004", "清单已申报 already declared"
    if case.habits.asks_signature and document.of("appStatus") == "2" and not signed:
        return "-621026", "签名为空 signature empty"
    if not document.lines:
        return "-621000", "清单没有商品 no lines"
    unnumbered = checks.numbering(document.lines)
    return ("-621027", unnumbered) if unnumbered is not None else _content(case, document)


def _content(case: Case, document: Document) -> tuple[str, str] | None:
    try:
        broken = checks.import_list(document)
        return _limits(case, document) if broken is None else ("-621001", broken)
    except ValueError as fault:
        return "-621001", str(fault)


def value_of(document: Document) -> Decimal:
    """What counts towards the limits: the goods and their freight."""
    goods = sum((checks.number(line.get("totalPrice")) for line in document.lines), Decimal(0))
    return goods + checks.number(document.of("freight"))


def _limits(case: Case, document: Document) -> tuple[str, str] | None:
    value, single, annual = value_of(document), Decimal(case.habits.single_limit), Decimal(case.habits.annual_limit)
    pieces = sum((checks.number(line.get("qty")) for line in document.lines), Decimal(0))
    if value > single and not (len(document.lines) == 1 and pieces == 1):
        return "-621005", f"超过单次限值 above the single limit {single}: {value}"
    used = Decimal(case.get(_buyer(document, f"{case.local:%Y}")) or "0")
    if used + value > annual:
        return "-621018", f"{document.of('buyerName')} 年度已用 used {used}，限值 limit {annual}"
    return None


def _buyer(document: Document, year: str) -> str:
    return f"buyer:{year}:{document.of('buyerIdNumber')}"


def _indexes(document: Document) -> tuple[str, str]:
    return (
        f"order-list:{document.of('ebpCode')}:{document.of('orderNo')}",
        f"waybill-list:{document.of('logisticsCode')}:{document.of('logisticsNo')}",
    )


def document_filed(case: Case, kind: str, document: Document) -> None:
    """An order, payment or waybill was filed: the list that waited for it is looked at again."""
    if kind == "CEB411":
        case.put(f"payment-of:{document.of('ebpCode')}:{document.of('orderNo')}", register.key_of(kind, document))
    order_list, waybill_list = _indexes(document)
    key = case.get(waybill_list if kind == "CEB511" else order_list)
    if key is not None:
        examine(case, key)


def examine(case: Case, key: str) -> bool:
    """Compare the three documents of a waiting list; returns whether it waits no longer."""
    state = case.get(key)
    if state["status"] != "waiting":
        return True
    listed = Document(state["head"], tuple(state["lines"]))
    found, missing = three_of(case, listed)
    if missing:
        return False
    order, payment, waybill = found
    try:
        broken = checks.three_documents(order, payment, waybill, listed)
    except ValueError as fault:
        broken = str(fault)
    if broken is None and case.dice.happens(case.habits.return_permille):
        broken = "海关退单（抽查）returned at random"
    if broken is not None:
        _move(case, key, "returned")
        _tell(case, key, "100", broken)
        return True
    _count(case, key, value_of(listed))
    _move(case, key, "stored")
    _tell(case, key, "120", "海关入库 in customs' files")
    if case.dice.happens(case.habits.manual_permille):
        _move(case, key, "manual")
        _tell(case, key, "300", "人工审核 manual review")
    case.later("parcel.decide", key)
    return True


def three_of(case: Case, listed: Document) -> tuple[tuple[Document, ...], list[str]]:
    """Return order, payment and waybill of a list, and the names of those that are not there."""
    payment_key = case.get(f"payment-of:{listed.of('ebpCode')}:{listed.of('orderNo')}") or ""
    keys = {
        "订单 order": f"CEB311:{listed.of('ebpCode')}:{listed.of('orderNo')}",
        "支付单 payment": payment_key,
        "运单 waybill": f"CEB511:{listed.of('logisticsCode')}:{listed.of('logisticsNo')}",
    }
    found = {name: register.filed(case, key) for name, key in keys.items()}
    present = tuple(one for one in found.values() if one is not None)
    return present, [name for name, one in found.items() if one is None]


def patience(case: Case, key: str) -> None:
    """The list waited long enough for its documents."""
    state = case.get(key)
    if state["status"] != "waiting":
        return
    _, missing = three_of(case, Document(state["head"], tuple(state["lines"])))
    _move(case, key, "returned")
    _tell(case, key, "100", f"三单不齐，缺 missing: {', '.join(missing)}")


def decide(case: Case, key: str) -> None:
    """Release a parcel, or have it inspected first."""
    state = case.get(key)
    if state["status"] in ("stored", "manual") and case.dice.happens(case.habits.inspect_permille):
        _move(case, key, "inspected")
        _tell(case, key, "500", "布控查验 inspection")
        case.later("parcel.decide", key)
        return
    if state["status"] not in OPEN:
        return
    _move(case, key, "released")
    case.put(key, {**case.get(key), "released": case.now.isoformat()})
    _tell(case, key, "800", "放行 released")
    _tax(case, key)


def _tax(case: Case, key: str) -> None:
    """The bill of a released parcel, by the counter's own tariff."""
    state = case.get(key)
    listed = Document(state["head"], tuple(state["lines"]))
    levied = tariff.levy(listed, case.habits)
    lines = [
        {"gnum": str(n), "gcode": line.get("gcode", ""), "taxPrice": f"{checks.number(line.get('totalPrice')):.5f}",
         "customsTax": f"{of.duty:.5f}", "valueAddedTax": f"{of.vat:.5f}", "consumptionTax": f"{of.consumption:.5f}"}
        for n, (line, of) in enumerate(zip(listed.lines, levied, strict=True), 1)
    ]  # fmt: skip
    fields = {
        "guid": forms.new_guid(), "returnTime": forms.stamp(case.local), "invtNo": state["invtNo"],
        "taxNo": f"{state['invtNo']}-SIM", "status": "1", "customsTax": f"{tariff.total(levied, 'duty'):.5f}",
        "consumptionTax": f"{tariff.total(levied, 'consumption'):.5f}",
        "valueAddedTax": f"{tariff.total(levied, 'vat'):.5f}",
        **{name: listed.of(name) for name in ("assureCode", "ebcCode", "logisticsCode", "agentCode", "customsCode")},
    }  # fmt: skip
    case.say("CEB816", key, forms.tax_bill(fields, lines))
    case.later("parcel.tax", key)


def sum_up_tax(case: Case, key: str) -> None:
    """Tell that the tax bill was summed up; that it is void, where the parcel was cancelled or came back."""
    state = case.get(key)
    whole = state["status"] == "released"
    fields = {
        "guid": forms.new_guid(), "returnTime": forms.stamp(case.local), "invtNo": state["invtNo"],
        "taxNo": f"{state['invtNo']}-SIM", "status": "2" if whole else "3",
        "assureCode": state["head"].get("assureCode", ""),
    }  # fmt: skip
    case.say("CEB818", key, forms.tax_status(fields))


def cancel(case: Case, document: Document, *, signed: bool) -> None:
    """Take a cancellation (623)."""
    about = f"CEB623:{document.of('invtNo')}"
    case.concern(about)
    if _seen(case, about, document):
        return
    key = case.get(f"list:{document.of('invtNo')}")
    fields = {**document.head, "preNo": document.of("preNo") or register.pre_number(case, "B")}
    trouble = None
    if key is None:
        trouble = ("-623003", "清单编号不存在 invtNo unknown")
    elif case.habits.asks_signature and document.of("appStatus") == "2" and not signed:
        trouble = ("-623016", "签名为空 signature empty")
    elif case.get(key)["status"] not in OPEN:
        trouble = ("-623005", f"清单状态不允许 state does not allow: {case.get(key)['status']}")
    if trouble is not None:
        case.receipt("CEB624", about, fields, *trouble)
        return
    _restore(case, key)
    _move(case, key, "cancelled")
    case.receipt("CEB624", about, fields, "120", "海关入库 in customs' files")
    case.receipt("CEB624", about, fields, "399", "海关审结 approved")


def bring_back(case: Case, document: Document, *, signed: bool) -> None:
    """Take a return (625)."""
    about = f"CEB625:{document.of('guid')}"
    case.concern(about)
    if _seen(case, about, document):
        return
    key = case.get(f"list:{document.of('invtNo')}")
    fields = {**document.head, "preNo": document.of("preNo") or register.pre_number(case, "T")}
    trouble = _return_trouble(case, key, document, signed)
    if trouble is not None:
        case.receipt("CEB626", about, fields, *trouble)
        return
    state = case.get(key)
    prices = {line.get("gnum", ""): line for line in state["lines"]}
    back, worth = dict(state["back"]), Decimal(0)
    for line in document.lines:
        n = line.get("gnum", "")
        back[n] = str(checks.number(back.get(n)) + checks.number(line.get("qty")))
        worth += checks.number(prices[n].get("price")) * checks.number(line.get("qty"))
    _count(case, key, -min(worth, Decimal(state["counted"])))
    case.put(key, {**case.get(key), "back": back})
    case.receipt("CEB626", about, fields, "120", "海关入库 in customs' files")
    case.receipt("CEB626", about, fields, "399", "海关审结 approved")


def _return_trouble(case: Case, key: str | None, document: Document, signed: bool) -> tuple[str, str] | None:
    if key is None or case.get(key)["status"] != "released":
        return "-625205", "原清单未放行 the list was not released"
    if case.habits.asks_signature and document.of("appStatus") == "2" and not signed:
        return "-625005", "签名无效 signature missing"
    state = case.get(key)
    released = case.now.fromisoformat(state["released"])
    if case.now - released > timedelta(days=case.habits.return_days):
        return "-625001", f"超过 {case.habits.return_days} 天 later than that many days after release"
    original = {line.get("gnum", ""): line for line in state["lines"]}
    for line in document.lines:
        of = original.get(line.get("gnum", ""))
        if of is None or of.get("gcode") != line.get("gcode"):
            return "-625209", "项号与商品编码不在原清单 line and code not in the original list"
        if checks.number(state["back"].get(line["gnum"])) + checks.number(line.get("qty")) > checks.number(
            of.get("qty")
        ):
            return "-625010", f"第 {line['gnum']} 项超过原数量 more than the original"
    return None if document.lines else ("-625006", "没有商品 no lines")


def _seen(case: Case, about: str, document: Document) -> bool:
    if case.get(about) == document.of("guid"):
        return True
    case.put(about, document.of("guid"))
    return False


def _count(case: Case, key: str, value: Decimal) -> None:
    """Count a list's value towards its buyer's year; a negative one gives it back."""
    state = case.get(key)
    buyer = _buyer(Document(state["head"]), state["year"])
    case.put(buyer, str(Decimal(case.get(buyer) or "0") + value))
    case.put(key, {**state, "counted": str(Decimal(state["counted"]) + value)})


def _restore(case: Case, key: str) -> None:
    _count(case, key, -Decimal(case.get(key)["counted"]))


def _move(case: Case, key: str, status: str) -> None:
    case.put(key, {**case.get(key), "status": status})


def _tell(case: Case, key: str, status: str, info: str) -> None:
    state = case.get(key)
    case.receipt("CEB622", key, {**state["head"], "preNo": state["preNo"], "invtNo": state["invtNo"]}, status, info)
