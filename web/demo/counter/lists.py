"""Verification lists (INV101): audit, the declaration made from them, booking once released and through the gate."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from web.demo.counter import checks, forms
from web.demo.counter.case import Case
from web.demo.counter.reading import Document

HEAD = (
    "bizopEtpsSccd", "bizopEtpsno", "bizopEtpsNm", "rvsngdEtpsSccd", "rcvgdEtpsno", "rcvgdEtpsNm", "dclEtpsSccd",
    "dclEtpsno", "dclEtpsNm", "impexpPortcd", "dclPlcCuscd", "impexpMarkcd", "mtpckEndprdMarkcd", "supvModecd",
    "trspModecd", "stshipTrsarvNatcd", "applyNo", "dclcusFlag", "dclcusTypecd", "rltInvtNo", "rltPutrecNo",
    "rltEntryNo", "levyBlAmt", "dclTypecd",
)  # fmt: skip
NEW, CHANGE, DELETE = "1", "2", "3"
OPEN = ("approved", "booked")


def key_of(document: Document) -> str:
    """One list of one zone enterprise: its internal number."""
    return f"INV101:{document.of('bizopetpsno')}:{document.of('etpsinnerinvtno')}"


def declare(case: Case, document: Document) -> None:
    """Take a list that is new, changed or to be deleted."""
    key = key_of(document)
    case.concern(key)
    known: dict[str, Any] | None = case.get(key)
    internal, change = document.of("etpsinnerinvtno"), document.of("dcltypecd") or NEW
    wrong = _wrong(document, known, change)
    if wrong is not None:
        case.say("Failed", f"{key}:failed", forms.status_file("", internal, wrong, good=False))
        return
    state = {
        "head": dict(document.head), "lines": list(map(dict, document.lines)), "status": "declared", "passed": {},
        "on_passes": {}, "changes": 0, "entry": "", "entry_released": False, "list_no": "",
        "seq_no": f"{case.local:%Y}{case.serial('seq'):014d}", **(_changed(known, document, change) if known else {}),
    }  # fmt: skip
    case.put(key, state)
    case.say("Successed", key, forms.status_file(state["seq_no"], internal, "保税核注清单申报服务调用成功", good=True))
    case.later("list.audit", key)


def _changed(known: dict[str, Any], document: Document, change: str) -> dict[str, Any]:
    if known["status"] == "returned":
        return {"seq_no": known["seq_no"]}
    kept = {**known, "changes": known["changes"] + 1, "status": "deleting" if change == DELETE else "declared"}
    return kept if change == DELETE else {**kept, "head": dict(document.head), "lines": list(map(dict, document.lines))}


def _wrong(document: Document, known: dict[str, Any] | None, change: str) -> str | None:
    stands = known is not None and known["status"] not in ("returned", "deleted")
    rules = [
        (not document.of("etpsinnerinvtno"), "企业内部清单编号为空 etpsInnerInvtNo is missing"),
        (change == NEW and stands, "该内部编号已存在同一经营单位的清单 the internal number is already on file"),
        (change in (CHANGE, DELETE) and not stands, "没有可变更的清单 nothing to change"),
        (stands and known is not None and known["status"] == "booked", "清单已核扣 the list is booked"),
        (stands and known is not None and bool(known["passed"]), "货物已过卡 goods went through the gate"),
    ]
    return next((text for broken, text in rules if broken), None)


def audit(case: Case, key: str) -> None:
    """Answer a declared list: approved and pre-deducted, returned, or deleted as asked."""
    state = case.get(key)
    if state["status"] == "deleting":
        case.put(key, {**state, "status": "deleted"})
        _tell(case, "INV201", key, result="1", note="删单 deleted", invt_status="3")
        return
    if state["status"] != "declared":
        return
    wrong = _rule_broken(case, Document(state["head"], tuple(state["lines"])))
    if wrong is None and case.dice.happens(case.habits.return_permille):
        wrong = "海关退单（抽查）returned at random"
    if wrong is not None:
        case.put(key, {**state, "status": "returned"})
        _tell(case, "INV201", key, result="3", note=wrong, invt_status="2")
        return
    direction = state["head"].get("impexpmarkcd", "I")
    office = state["head"].get("dclplccuscd") or case.habits.office
    number = state["list_no"] or f"QD{office}{case.local:%y}{direction}{case.serial('list'):09d}"
    needs_entry = state["head"].get("dclcusflag", "2") == "1"
    state = {**state, "status": "approved", "list_no": number, "prevd": _time(case.local)}
    case.put(key, {**state, "entry_released": not needs_entry})
    case.put(f"bond:{number}", key)
    _tell(case, "INV201", key, result="4", note="预核扣 pre-deducted", invt_status="0")
    if needs_entry:
        case.later("list.entry", key)
    else:
        book_when_ready(case, key)


def _rule_broken(case: Case, document: Document) -> str | None:
    if not document.lines:
        return "清单没有商品 no lines"
    try:
        for line in document.lines:
            if checks.number(line.get("dclqty")) <= 0:
                return f"第 {line.get('gdsseqno')} 项申报数量应大于 0 dclQty must be above zero"
            if not line.get("gdecd", "").isdigit():
                return f"第 {line.get('gdsseqno')} 项商品编码 gdecd must be digits"
    except ValueError as fault:
        return str(fault)
    numbers = [line.get("gdsseqno") for line in document.lines]
    if len(set(numbers)) != len(numbers):
        return "商品序号重复 gdsSeqno twice"
    return _over_book(case, document)


def _over_book(case: Case, document: Document) -> str | None:
    """The counter knows of a book only what it booked itself: it looks at lines that it has ever booked in."""
    if document.of("impexpmarkcd") != "E":
        return None
    for line in document.lines:
        stock = case.get(f"book:{document.of('putrecno')}:{line.get('putrecseqno', '')}")
        if stock is not None and checks.number(line.get("dclqty")) > checks.number(stock):
            return f"第 {line.get('gdsseqno')} 项超过账册余量 {stock} more than the book holds"
    return None


def make_entry(case: Case, key: str) -> None:
    """Make the declaration (报关单) of a list and tell its number; it is released a while later."""
    state = case.get(key)
    if state["status"] != "approved":
        return
    if not state["entry"]:
        entry = f"E{case.local:%Y}{case.serial('entry'):013d}"
        state = {**state, "entry": entry}
        case.put(key, state)
    if state["head"].get("gendecflag", "1") == "1":
        result = (
            ("invPreentNo", state["seq_no"]), ("businessId", state["list_no"]), ("entrySeqNo", state["entry"]),
            ("manageResult", "1"), ("createDate", _time(case.local)), ("reason", ""),
        )  # fmt: skip
        case.say("INV202", key, forms.bonded("INV202", state["list_no"], case.local, [("InvApprResult", result)]))
    case.later("list.entry_released", key, case.habits.entry_ms)


def release_entry(case: Case, key: str) -> None:
    """The declaration is released: the audit is told once more with entryStucd 1, then the list may be booked."""
    state = case.get(key)
    case.put(key, {**state, "entry_released": True})
    if state["status"] == "approved":
        _tell(case, "INV201", key, result="4", note="", invt_status="0")
    book_when_ready(case, key)


def pass_goods(case: Case, key: str, quantities: dict[str, str]) -> None:
    """Goods of a list went through the gate: quantities by line number."""
    state = case.get(key)
    passed = dict(state["passed"])
    for line_no, qty in quantities.items():
        passed[line_no] = str(checks.number(passed.get(line_no)) + checks.number(qty))
    case.put(key, {**state, "passed": passed})
    book_when_ready(case, key)


def book_when_ready(case: Case, key: str) -> None:
    """Book a list when both are true: its declaration is released and all of its goods went through the gate."""
    state = case.get(key)
    if state["status"] != "approved" or not state["entry_released"] or not through_gate(state):
        return
    if state.get("book_ms"):  # customs takes its time for this one
        case.put(key, {**state, "book_ms": 0})
        case.later("list.book", key, state["book_ms"])
        return
    case.put(key, {**state, "status": "booked", "booked": _time(case.local)})
    sign = -1 if state["head"].get("impexpmarkcd") == "E" else 1
    for line in state["lines"]:
        about = f"book:{state['head'].get('putrecno', '')}:{line.get('putrecseqno', '')}"
        if sign > 0 or case.get(about) is not None:
            case.put(about, str(checks.number(case.get(about)) + sign * checks.number(line.get("dclqty"))))
    _tell(case, "INV211", key, result="1", note="已核扣 booked", invt_status="0")


def through_gate(state: dict[str, Any]) -> bool:
    """Whether everything on a list went through the gate."""
    return all(
        checks.number(state["passed"].get(line.get("gdsseqno", ""))) >= checks.number(line.get("dclqty"))
        for line in state["lines"]
    )


def _tell(case: Case, kind: str, key: str, *, result: str, note: str, invt_status: str) -> None:
    state = case.get(key)
    parts: list[tuple[str, Sequence[tuple[str, str]]]] = []
    if kind == "INV201":
        parts.append(
            ("HdeApprResult", appr(state["seq_no"], state["list_no"], state["changes"], result, _time(case.local)))
        )
    parts.append(("BondInvtBsc", _basic(state, invt_status)))
    if kind == "INV211":
        parts += [("BwsDt", _book_line(state, line)) for line in state["lines"]]
    if result == "3":
        parts.append(("CheckInfo", (("note", note),)))
    case.say(kind, key, forms.bonded(kind, state["list_no"] or state["seq_no"], case.local, parts))


def appr(seq_no: str, number: str, changes: int, result: str, at: str) -> tuple[tuple[str, str], ...]:
    """HdeApprResult: what came of an application."""
    return (
        ("etpsPreentNo", seq_no), ("businessId", number), ("tmsCnt", str(changes)), ("typecd", "1"),
        ("manageResult", result), ("manageDate", at), ("rmk", forms.MARK),
    )  # fmt: skip


def _basic(state: dict[str, Any], invt_status: str) -> tuple[tuple[str, str], ...]:
    head, booked = state["head"], state["status"] == "booked"
    kept = tuple((name, head.get(name.lower(), "")) for name in HEAD)
    approved = state["status"] in OPEN
    return (
        ("bondInvtNo", state["list_no"]), ("chgTmsCnt", str(state["changes"])), ("invtPreentNo", state["seq_no"]),
        ("putrecNo", head.get("putrecno", "")), ("etpsInnerInvtNo", head.get("etpsinnerinvtno", "")), *kept,
        ("invtDclTime", head.get("invtdcltime", "")), ("entryNo", state["entry"] if state["entry_released"] else ""),
        ("prevdTime", state.get("prevd", "")), ("formalVrfdedTime", state.get("booked", "")),
        ("invtIochkptStucd", "3" if booked else "0"), ("vrfdedMarkcd", "2" if booked else str(int(approved))),
        ("invtStucd", invt_status), ("vrfdedModecd", "D"), ("bondInvtTypecd", head.get("invttype", "0")),
        ("entryStucd", str(int(state["entry_released"]))), ("passportUsedTypecd", _pass_use(state)),
        ("rmk", forms.MARK),
    )  # fmt: skip


def _pass_use(state: dict[str, Any]) -> str:
    used = [checks.number(state["on_passes"].get(line.get("gdsseqno", ""))) for line in state["lines"]]
    wanted = [checks.number(line.get("dclqty")) for line in state["lines"]]
    if not any(used):
        return "1"
    return "3" if all(one >= whole for one, whole in zip(used, wanted, strict=True)) else "2"


def _book_line(state: dict[str, Any], line: dict[str, str]) -> tuple[tuple[str, str], ...]:
    head = state["head"]
    inward = head.get("impexpmarkcd") != "E"
    qty = line.get("dclqty", "")
    return (
        ("bwsNo", head.get("putrecno", "")), ("chgTmsCnt", str(state["changes"])),
        ("gdsSeqno", line.get("putrecseqno") or line.get("gdsseqno", "")),
        ("inDate", state["booked"] if inward else ""),
        ("gdsMtno", line.get("gdsmtno", "")), ("gdecd", line.get("gdecd", "")), ("gdsNm", line.get("gdsnm", "")),
        ("gdsSpcfModelDesc", line.get("gdsspcfmodeldesc", "")), ("natcd", line.get("natcd", "")),
        ("dclUnitcd", line.get("dclunitcd", "")), ("lawfUnitcd", line.get("lawfunitcd", "")),
        ("secdLawfUnitcd", line.get("secdlawfunitcd", "")), ("dclUprcAmt", line.get("dcluprcamt", "")),
        ("dclCurrcd", line.get("dclcurrcd", "")), ("avgPrice", line.get("dcluprcamt", "")),
        ("totalAmt", line.get("dcltotalamt", "")), ("inQty", qty if inward else ""),
        ("inLawfQty", line.get("lawfqty", "") if inward else ""), ("actlIncQty", qty if inward else ""),
        ("actlRedcQty", "" if inward else qty), ("prevdIncQty", ""), ("prevdRedcQty", ""),
        ("outDate", "" if inward else state["booked"]), ("limitDate", ""), ("inType", ""),
        ("invtNo", state["list_no"]), ("invtGNo", line.get("gdsseqno", "")), ("cusmExeMarkcd", "1"),
        ("rmk", forms.MARK), ("modfMarkcd", "3"),
    )  # fmt: skip


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
