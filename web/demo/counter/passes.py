"""Gate passes (SAS121): audit, inspection of the vehicle, the passage, and the lists whose goods it carried."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from web.demo.counter import checks, forms, lists
from web.demo.counter.case import Case
from web.demo.counter.reading import Document

EMPTY_VEHICLE, REGISTERED = "6", "5"
TOLERANCE = Decimal("0.001")
APPROVED, PASSED, DELETED, VOID = "1", "2", "5", "6"


def key_of(document: Document) -> str:
    return f"SAS121:{document.of('areainetpsno')}:{document.of('etpspreentno')}"


def declare(case: Case, document: Document) -> None:
    """Take an application for a pass (dclTypecd 1), or for its voiding (3)."""
    key = key_of(document)
    case.concern(key)
    known: dict[str, Any] | None = case.get(key)
    internal, voiding = document.of("etpspreentno"), document.of("dcltypecd") == "3"
    stands = known is not None and known["status"] not in ("returned", "void")
    wrong = None
    if not internal:
        wrong = "企业内部编号为空 etpsPreentNo is missing"
    elif not voiding and stands:
        wrong = "该内部编号已存在 the internal number is already on file"
    elif voiding and (known is None or known["status"] not in ("approved", "inspected")):
        wrong = "核放单不能作废 the pass cannot be voided"
    if wrong is not None:
        case.say("Failed", f"{key}:failed", forms.status_file("", internal, wrong, good=False))
        return
    if voiding and known is not None:
        state = {**known, "status": "voiding"}
    else:
        seq_no = known["seq_no"] if known else f"{case.local:%Y}{case.serial('seq'):014d}"
        state = {
            "head": dict(document.head), "lines": list(map(dict, document.lines)), "status": "declared", "pass_no": "",
            "seq_no": seq_no, "voided": False,
        }  # fmt: skip
    case.put(key, state)
    case.say("Successed", key, forms.status_file(state["seq_no"], internal, "核放单申报服务调用成功", good=True))
    case.later("pass.audit", key)


def audit(case: Case, key: str) -> None:
    """Answer an application."""
    state = case.get(key)
    if state["status"] == "voiding":
        _use(case, state, -1)
        case.put(key, {**state, "status": "void", "voided": True})
        _tell(case, "SAS221", key, result="1", stucd=VOID)
        return
    if state["status"] != "declared":
        return
    try:
        wrong = _rule_broken(case, state)
    except ValueError as fault:
        wrong = str(fault)
    if wrong is None and case.dice.happens(case.habits.return_permille):
        wrong = "海关退单（抽查）returned at random"
    if wrong is not None:
        case.put(key, {**state, "status": "returned"})
        _tell(case, "SAS221", key, result="3", stucd="0", note=wrong)
        return
    office = state["head"].get("mastercuscd") or case.habits.office
    direction = state["head"].get("iotypecd", "I")
    number = state["pass_no"] or f"Z{office}{direction}{case.local:%y%m%d}{case.serial('pass'):012d}"
    _use(case, state, 1)
    case.put(key, {**state, "status": "approved", "pass_no": number})
    case.put(f"pass:{number}", key)
    _tell(case, "SAS221", key, result="1", stucd=APPROVED)
    if case.dice.happens(case.habits.inspect_permille):
        case.later("pass.inspect", key)
    elif case.habits.gate == "auto":
        case.later("pass.gate", key)


def _rule_broken(case: Case, state: dict[str, Any]) -> str | None:
    head = state["head"]
    parts = sum(
        (checks.number(head.get(name)) for name in ("vehiclewt", "vehicleframewt", "containerwt", "totalgrosswt")),
        Decimal(0),
    )
    if not head.get("vehicleno"):
        return "承运车牌号为空 vehicleNo is missing"
    if abs(parts - checks.number(head.get("totalwt"))) > TOLERANCE:
        return f"总重量不符 totalWt {head.get('totalwt')} ≠ {parts}"
    if head.get("passporttypecd") in (EMPTY_VEHICLE, REGISTERED):
        return None
    if not _numbers(state):
        return "未关联单证 no document behind it"
    if head.get("rlttbtypecd", "1") != "1":
        return None  # slips and bills of lading are not kept here
    return _lists_broken(case, state)


def _lists_broken(case: Case, state: dict[str, Any]) -> str | None:
    for number in _numbers(state):
        key = case.get(f"bond:{number}")
        if key is None or case.get(key)["status"] != "approved":
            return f"核注清单 {number} 未预核扣 is not approved"
    for number, quantities in _by_list(case, state).items():
        listed = case.get(case.get(f"bond:{number}"))
        declared = {line.get("gdsseqno", ""): checks.number(line.get("dclqty")) for line in listed["lines"]}
        for line_no, qty in quantities.items():
            used = checks.number(listed["on_passes"].get(line_no))
            if used + qty > declared.get(line_no, Decimal(0)):
                return f"{number} 第 {line_no} 项超过可放行数量 more than is left for passes: {qty}"
    return None


def _numbers(state: dict[str, Any]) -> list[str]:
    joined = state["head"].get("rltno", "").replace("\\", "|")
    return [one for one in joined.split("|") if one]


def _by_list(case: Case, state: dict[str, Any]) -> dict[str, dict[str, Decimal]]:
    """Quantities of a pass by list and line. One document on one vehicle (bindTypecd 2) carries all, named or not."""
    found: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    numbers = _numbers(state)
    for line in state["lines"]:
        number = _list_of_line(case, numbers, line)
        if number:
            found[number][line.get("rltgdsseqno", "")] += checks.number(line.get("dclqty"))
    for number in numbers:
        key = case.get(f"bond:{number}")
        if number not in found and key is not None and not state["lines"]:
            listed = case.get(key)
            found[number] = {
                line.get("gdsseqno", ""): checks.number(line.get("dclqty"))
                - checks.number(listed["on_passes"].get(line.get("gdsseqno", "")))
                for line in listed["lines"]
            }
    return found


def _list_of_line(case: Case, numbers: list[str], line: dict[str, str]) -> str:
    """Which of several lists a line belongs to: the one that has its line number with its material."""
    if len(numbers) == 1:
        return numbers[0]
    for number in numbers:
        key = case.get(f"bond:{number}")
        for listed in case.get(key)["lines"] if key is not None else ():
            same_line = listed.get("gdsseqno") == line.get("rltgdsseqno")
            if same_line and listed.get("gdsmtno") == line.get("gdsmtno"):
                return number
    return ""


def _use(case: Case, state: dict[str, Any], sign: int) -> None:
    for number, quantities in _by_list(case, state).items():
        key = case.get(f"bond:{number}")
        if key is None:
            continue
        listed = case.get(key)
        on_passes = dict(listed["on_passes"])
        for line_no, qty in quantities.items():
            on_passes[line_no] = str(checks.number(on_passes.get(line_no)) + sign * qty)
        case.put(key, {**listed, "on_passes": on_passes})


def inspect(case: Case, key: str) -> None:
    """The vehicle is looked at; it may go on afterwards."""
    state = case.get(key)
    if state["status"] != "approved":
        return
    case.put(key, {**state, "status": "inspected"})
    _tell(case, "SAS224", key, result="1", stucd=APPROVED, note="布控查验 inspection, nothing found")
    if case.habits.gate == "auto":
        case.later("pass.gate", key)


def report(case: Case, document: Document) -> None:
    """The site's gate reports that a vehicle went through."""
    key = case.get(f"pass:{document.of('passportno')}")
    if key is None:
        return
    case.concern(key)
    go_through(case, key, document.of("passcollectwt"))


def go_through(case: Case, key: str, weighed: str = "") -> None:
    """The vehicle of an approved pass goes through the gate, once."""
    state = case.get(key)
    if state["status"] not in ("approved", "inspected"):
        return
    at = f"{case.local:%Y-%m-%d %H:%M:%S}"
    quantities = _by_list(case, state)
    case.put(key, {**state, "status": "passed", "passed_at": at, "weighed": weighed})
    _tell(case, "SAS223", key, result="1", stucd=PASSED)
    for number, lines in quantities.items():
        lists.pass_goods(case, case.get(f"bond:{number}"), {line_no: str(qty) for line_no, qty in lines.items()})


def _tell(case: Case, kind: str, key: str, *, result: str, stucd: str, note: str = "") -> None:
    state = case.get(key)
    head, number = state["head"], state["pass_no"]
    weighed = state.get("weighed", "")
    error = str(abs(checks.number(weighed) - checks.number(head.get("totalwt")))) if weighed else ""
    basic = (
        ("passportNo", number), ("chgTmsCnt", "0"), ("passportTypecd", head.get("passporttypecd", "")),
        ("sasPassportPreentNo", state["seq_no"]), ("dclTypecd", head.get("dcltypecd", "1")),
        ("ioTypecd", head.get("iotypecd", "")), ("bindTypecd", head.get("bindtypecd", "")),
        ("masterCuscd", head.get("mastercuscd", "")), ("rltTbTypecd", head.get("rlttbtypecd", "")),
        ("rltNo", head.get("rltno", "")), ("areainEtpsno", head.get("areainetpsno", "")),
        ("areainEtpsNm", head.get("areainetpsnm", "")), ("areainEtpsSccd", head.get("areainetpssccd", "")),
        ("vehicleNo", head.get("vehicleno", "")), ("vehicleIcNo", head.get("vehicleicno", "")),
        ("containerNo", head.get("containerno", "")), ("vehicleWt", head.get("vehiclewt", "")),
        ("vehicleFrameNo", head.get("vehicleframeno", "")), ("vehicleFrameWt", head.get("vehicleframewt", "")),
        ("containerType", head.get("containertype", "")), ("containerWt", head.get("containerwt", "")),
        ("totalWt", head.get("totalwt", "")), ("passCollectWt", weighed), ("wtError", error),
        ("totalGrossWt", head.get("totalgrosswt", "")), ("totalNetWt", head.get("totalnetwt", "")),
        ("dclErConc", head.get("dclerconc", "")), ("dclTime", head.get("dcltime", "")), ("passID", ""),
        ("secdPassId", ""), ("passTime", state.get("passed_at", "")), ("secdPassTime", ""), ("stucd", stucd),
        ("emapvMarkcd", "3" if result == "3" else "1"), ("logisticsStucd", "1" if kind == "SAS224" else "0"),
        ("ownerSystem", "1"), ("rmk", forms.MARK), ("col1", ""),
    )  # fmt: skip
    parts: list[tuple[str, tuple[tuple[str, str], ...]]] = [
        ("HdeApprResult", lists.appr(state["seq_no"], number, 0, result, f"{case.local:%Y-%m-%d %H:%M:%S}")),
        ("SasPassportBsc", basic),
    ]
    if kind == "SAS221":
        parts += [("SasPassportDt", _line(number, line)) for line in state["lines"]]
        of = head.get("rlttbtypecd", "")
        parts += [
            ("SasPassportRlt", (("passportNo", number), ("rltTbTypecd", of), ("rltNo", one))) for one in _numbers(state)
        ]
    if note:
        parts.append(("CheckInfo", (("note", note),)))
    case.say(kind, key, forms.bonded(kind, number or state["seq_no"], case.local, parts))


def _line(number: str, line: dict[str, str]) -> tuple[tuple[str, str], ...]:
    names = ("gdsMtno", "gdecd", "gdsNm", "grossWt", "netWt", "rltGdsSeqno", "dclUnitcd", "dclQty")
    kept = tuple((name, line.get(name.lower(), "")) for name in names)
    return (("passportNo", number), ("chgTmsCnt", "0"), ("passportSeqno", line.get("passportseqno", "")), *kept)
