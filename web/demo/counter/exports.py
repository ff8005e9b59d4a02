"""Export parcels: declaration, arrival at the site, release, departure, summary, cancellation and what comes back."""

from typing import Any

from web.demo.counter import checks, forms, register
from web.demo.counter.case import Case
from web.demo.counter.reading import Document

NEEDS_RECEIPT = ("9610", "1210")  # of money (403); and the goods must have arrived at the site (507)


def key_of(document: Document) -> str:
    return f"CEB603:{document.of('copNo')}"


def declare(case: Case, document: Document, *, signed: bool) -> None:
    """Take an export list (603)."""
    key = key_of(document)
    case.concern(key)
    known: dict[str, Any] | None = case.get(key)
    if known is not None and known["head"].get("guid") == document.of("guid"):
        return
    fields = {**document.head, "preNo": (known or {}).get("preNo") or register.pre_number(case, "B")}
    invt_no = f"{document.of('customsCode') or case.habits.office}{case.local:%Y}E{case.serial('invt'):09d}"
    trouble = _trouble(case, document, known, signed)
    if trouble is not None:
        case.receipt("CEB604", key, {**fields, "invtNo": invt_no}, *trouble)
        return
    case.put(
        key,
        {"head": dict(document.head), "lines": list(map(dict, document.lines)), "status": "waiting",
         "preNo": fields["preNo"], "invtNo": invt_no},
    )  # fmt: skip
    case.put(f"list:{invt_no}", key)
    case.put(f"export-of-waybill:{document.of('logisticsCode')}:{document.of('logisticsNo')}", key)
    case.put(f"export-of-order:{document.of('ebpCode')}:{document.of('orderNo')}", key)
    _tell(case, key, "2", "申报中 declaring")
    if not examine(case, key):
        case.later("export.patience", key, case.habits.patience_ms)


def _trouble(
    case: Case, document: Document, known: dict[str, Any] | None, signed: bool
) -> tuple[str, str] | None:  # fmt: skip
    if known is not None and known["status"] not in ("returned", "cancelled"):
        return "-621004", "清单已申报 already declared"
    if case.habits.asks_signature and document.of("appStatus") == "2" and not signed:
        return "-621026", "签名为空 signature empty"
    if not document.lines:
        return "-621000", "清单没有商品 no lines"
    try:
        broken = checks.numbering(document.lines) or checks.export_list(document)
    except ValueError as fault:
        broken = str(fault)
    return None if broken is None else ("-621001", broken)


def document_filed(case: Case, kind: str, document: Document) -> None:
    """An order, receipt of money, waybill, arrival or departure was filed: the lists it speaks of go on."""
    if kind == "CEB403":
        case.put(f"money-of:{document.of('ebcCode')}:{document.of('orderNo')}", register.key_of(kind, document))
        case.put(f"money-of:{document.of('ebpCode')}:{document.of('orderNo')}", register.key_of(kind, document))
    for key in _spoken_of(case, kind, document):
        if kind == "CEB507":
            case.put(key, {**case.get(key), "arrived": True})
            _release_when_ready(case, key)
        elif kind == "CEB509":
            _clear(case, key)
        else:
            examine(case, key)


def _spoken_of(case: Case, kind: str, document: Document) -> list[str]:
    if kind in ("CEB303", "CEB403"):
        names = [f"export-of-order:{document.of('ebpCode')}:{document.of('orderNo')}"]
    elif kind == "CEB505":
        names = [f"export-of-waybill:{document.of('logisticsCode')}:{document.of('logisticsNo')}"]
    else:
        carrier = document.of("logisticsCode")
        names = [f"export-of-waybill:{carrier}:{line.get('logisticsNo', '')}" for line in document.lines]
    return [key for name in names if (key := case.get(name)) is not None]


def examine(case: Case, key: str) -> bool:
    """Look whether everything behind a waiting list is there; returns whether it waits no longer."""
    state = case.get(key)
    if state["status"] != "waiting":
        return True
    if missing(case, key):
        return False
    if case.dice.happens(case.habits.return_permille):
        _move(case, key, "returned")
        _tell(case, key, "100", "海关退单（抽查）returned at random")
        return True
    _move(case, key, "stored")
    _tell(case, key, "120", "海关入库 in customs' files")
    _release_when_ready(case, key)
    return True


def missing(case: Case, key: str) -> list[str]:
    """The documents that a list still waits for."""
    listed = Document(case.get(key)["head"])
    order = register.filed(case, f"CEB303:{listed.of('ebpCode')}:{listed.of('orderNo')}")
    waybill = register.filed(case, f"CEB505:{listed.of('logisticsCode')}:{listed.of('logisticsNo')}")
    money = case.get(f"money-of:{listed.of('ebcCode')}:{listed.of('orderNo')}")
    needs_money = listed.of("tradeMode") in NEEDS_RECEIPT
    absent = (
        (order is None, "订单 order"),
        (waybill is None, "运单 waybill"),
        (needs_money and money is None, "收款单 receipt"),
    )
    return [name for is_absent, name in absent if is_absent]


def patience(case: Case, key: str) -> None:
    if case.get(key)["status"] != "waiting":
        return
    absent = missing(case, key)
    _move(case, key, "returned")
    _tell(case, key, "100", f"单证不齐，缺 missing: {', '.join(absent)}")


def _release_when_ready(case: Case, key: str) -> None:
    state = case.get(key)
    if state["status"] != "stored":
        return
    if state["head"].get("tradeMode") in NEEDS_RECEIPT and not state.get("arrived"):
        return  # 运抵 first
    case.later("export.decide", key)


def decide(case: Case, key: str) -> None:
    state = case.get(key)
    if state["status"] == "stored" and case.dice.happens(case.habits.inspect_permille):
        _move(case, key, "inspected")
        _tell(case, key, "500", "布控查验 inspection")
        case.later("export.decide", key)
        return
    if state["status"] not in ("stored", "inspected"):
        return
    _move(case, key, "released")
    _tell(case, key, "800", "放行 released")
    if state.get("departed"):
        _clear(case, key)


def _clear(case: Case, key: str) -> None:
    state = case.get(key)
    case.put(key, {**state, "departed": True})
    if state["status"] != "released":
        return  # a departure that came first counts once the list is released
    _move(case, key, "cleared")
    _tell(case, key, "899", "结关 cleared")


def cancel(case: Case, document: Document) -> None:
    """Take a cancellation (605)."""
    about = f"CEB605:{document.of('invtNo')}"
    case.concern(about)
    if case.get(about) == document.of("guid"):
        return
    case.put(about, document.of("guid"))
    key = case.get(f"list:{document.of('invtNo')}")
    fields = {**document.head, "preNo": document.of("preNo") or register.pre_number(case, "B")}
    if key is None:
        case.receipt("CEB606", about, fields, "-623003", "清单编号不存在 invtNo unknown")
        return
    if case.get(key)["status"] not in ("waiting", "stored", "inspected"):
        case.receipt("CEB606", about, fields, "-623005", f"清单状态不允许 state: {case.get(key)['status']}")
        return
    _move(case, key, "cancelled")
    case.receipt("CEB606", about, fields, "399", "海关审结 approved")


def bring_back(case: Case, document: Document) -> None:
    """Take the application for goods that come back (213)."""
    about = f"CEB213:{document.of('coElNo')}"
    case.concern(about)
    if case.get(about) == document.of("guid"):
        return
    key = case.get(f"list:{document.of('invtNo')}")
    fields = {**document.head, "preNo": document.of("preNo") or register.pre_number(case, "T")}
    if key is None or case.get(key)["status"] not in ("released", "cleared"):
        case.receipt("CEB214", about, fields, "-625205", "原清单未放行 the list was not released")
        return
    if document.of("tradeMode") not in ("9661", "1261"):
        case.receipt("CEB214", about, fields, "-625001", "tradeMode 只能为 9661 或 1261")
        return
    case.put(about, document.of("guid"))
    case.receipt("CEB214", about, fields, "120", "海关入库 in customs' files")
    case.receipt("CEB214", about, fields, "399", "海关审结 approved")


def sum_up(case: Case, document: Document) -> None:
    """Take a summary application (701): its receipt, then the declaration that the lists were summed up in (792)."""
    about = f"CEB701:{document.of('copNo')}:{document.of('msgSeqNo')}"
    case.concern(about)
    if case.get(about) == document.of("guid"):
        return
    case.put(about, document.of("guid"))
    serial = case.serial("sum")
    fields = {
        **document.head, "preNo": register.pre_number(case, "B"),
        "sumNo": f"{document.of('customsCode') or case.habits.office}{case.local:%Y}S{serial:09d}",
    }  # fmt: skip
    wanted = [line.get("invtNo", "") for line in document.lines]
    unknown = [no for no in wanted if (key := case.get(f"list:{no}")) is None or case.get(key)["status"] != "cleared"]
    if unknown or not wanted:
        case.receipt(
            "CEB702", about, fields, "100", f"清单不存在或未结关 unknown or not cleared: {', '.join(unknown)[:500]}"
        )
        return
    case.receipt("CEB702", about, fields, "120", "海关入库 in customs' files")
    case.put(f"summary:{about}", {**fields, "lists": wanted})
    case.later("export.summary", about)


def summary(case: Case, about: str) -> None:
    """Send the result of a summary application."""
    kept = case.get(f"summary:{about}")
    lines: list[dict[str, str]] = []
    codes: dict[str, str] = {}
    gross = net = checks.number("0")
    for invt_no in kept["lists"]:
        state = case.get(case.get(f"list:{invt_no}"))
        gross += checks.number(state["head"].get("grossWeight"))
        net += checks.number(state["head"].get("netWeight"))
        for line in state["lines"]:
            code = line.get("gcode", "")
            codes.setdefault(code, str(len(codes) + 1))
            lines.append(
                {"invtNo": invt_no, "logisticsNo": state["head"].get("logisticsNo", ""),
                 "gseqno": line.get("gnum", "1"), "gnum": codes[code], "gcode": code}
            )  # fmt: skip
    entry = f"{case.habits.office}{case.local:%Y}0{case.serial('entry'):09d}"
    fields = {
        **kept, "opDate": forms.stamp(case.local), "declSeqNo": f"E{case.local:%Y}{int(entry[-9:]):013d}",
        "entryId": entry, "decState": "1", "grossWeight": str(gross), "netWeight": str(net), "msgCount": "1",
        "msgSeqNo": "1",
    }  # fmt: skip
    case.say("CEB792", about, forms.summary_result(fields, lines))


def _move(case: Case, key: str, status: str) -> None:
    case.put(key, {**case.get(key), "status": status})


def _tell(case: Case, key: str, status: str, info: str) -> None:
    state = case.get(key)
    case.receipt("CEB604", key, {**state["head"], "preNo": state["preNo"], "invtNo": state["invtNo"]}, status, info)
