"""Documents that are only filed: orders, payments, waybills and the notices about them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from web.demo.counter import checks
from web.demo.counter.case import Case
from web.demo.counter.reading import Document

Check = Callable[[Document], str | None]


@dataclass(frozen=True)
class Kind:
    """A kind that is filed: its receipt, the fields of its number, its codes for trouble, its last good status."""

    receipt: str
    numbered: tuple[str, ...]
    wrong: str
    exists: str
    older: str
    check: Check | None = None
    last: str = "120"
    series: str = ""  # letter of the pre-entry number, where the receipt carries one


KINDS: dict[str, Kind] = {
    "CEB311": Kind("CEB312", ("ebpCode", "orderNo"), "-301008", "-301010", "-301014", checks.import_order),
    "CEB411": Kind("CEB412", ("payCode", "payTransactionId"), "-401009", "-401007", "-401012"),
    "CEB511": Kind("CEB512", ("logisticsCode", "logisticsNo"), "-504011", "-504015", "-504015", checks.import_waybill),
    "CEB513": Kind("CEB514", ("logisticsCode", "logisticsNo"), "-505011", "-505012", "-505016", checks.waybill_status),
    "CEB711": Kind("CEB712", ("operatorCode", "billNo"), "-800001", "-800003", "-800005", None, "399", "R"),
    "CEB303": Kind("CEB304", ("ebpCode", "orderNo"), "-301008", "-301010", "-301014", checks.totals),
    "CEB403": Kind("CEB404", ("ebcCode", "orderNo"), "-401009", "-401007", "-401012"),
    "CEB505": Kind("CEB506", ("logisticsCode", "logisticsNo"), "-504011", "-504015", "-504015"),
    "CEB507": Kind("CEB508", ("copNo", "msgSeqNo"), "-504011", "-504015", "-504015", None, "399", "B"),
    "CEB509": Kind("CEB510", ("copNo", "msgSeqNo"), "-504011", "-504015", "-504015", None, "399", "B"),
    "CEB607": Kind("CEB608", ("copNo", "msgSeqNo"), "-504011", "-504015", "-504015", None, "120", "B"),
    "CEB215": Kind("CEB216", ("coElNo",), "-625001", "-625022", "-625022", None, "399", "O"),
}


def key_of(kind: str, document: Document) -> str:
    """Under which key a document is filed."""
    return ":".join((kind, *(document.of(name) for name in KINDS[kind].numbered)))


def filed(case: Case, key: str) -> Document | None:
    """The document under ``key``, None when it is not there or was withdrawn."""
    known = case.get(key)
    return None if known is None or known.get("gone") else Document(known["head"], tuple(known["lines"]))


def pre_number(case: Case, letter: str) -> str:
    """preNo: a letter, the day, nine digits."""
    return f"{letter}{case.local:%Y%m%d}{case.serial('pre'):09d}"


def file(case: Case, kind: str, document: Document) -> bool:
    """File a document and answer; returns whether it now stands in the files."""
    rule, key = KINDS[kind], key_of(kind, document)
    known: dict[str, Any] | None = case.get(key)
    case.concern(key)
    if known is not None and known["head"].get("guid") == document.of("guid"):
        return False  # the very document; what was said about it is said again
    fields = {"billNo": "无", **document.head}  # optional in an arrival, mandatory in its receipt
    if rule.series:
        fields["preNo"] = (known or {}).get("preNo") or pre_number(case, rule.series)
        fields["rkdNo"] = fields["preNo"]
    trouble = _trouble(document, rule, known)
    if trouble is not None:
        case.receipt(rule.receipt, key, fields, *trouble)
        return False
    gone = document.of("appType") == "3"
    case.put(
        key, {"head": dict(document.head), "lines": list(map(dict, document.lines)), "gone": gone,
              "preNo": fields.get("preNo", "")}
    )  # fmt: skip
    case.receipt(rule.receipt, key, fields, "2", "申报中 declaring")
    if case.dice.happens(case.habits.return_permille):
        case.put(key, {**case.get(key), "gone": True})
        case.receipt(rule.receipt, key, fields, "100", "海关退单（抽查）returned at random")
        return False
    case.receipt(rule.receipt, key, fields, rule.last, "海关入库 in customs' files")
    return not gone


def _trouble(document: Document, rule: Kind, known: dict[str, Any] | None) -> tuple[str, str] | None:
    stands = known is not None and not known.get("gone")
    if stands and known is not None and document.of("appTime") < known["head"].get("appTime", ""):
        return rule.older, "报文早于已有报文，忽略 older message, ignored"
    if document.of("appType") == "1" and stands:
        return rule.exists, "编号已存在 the number exists"
    if document.of("appType") in ("2", "3") and not stands:
        return rule.wrong, "没有可变更的单证 nothing to change"
    try:
        broken = rule.check(document) if rule.check is not None else None
    except ValueError as fault:
        broken = str(fault)
    return None if broken is None else (rule.wrong, broken)
