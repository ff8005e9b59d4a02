"""What the counter writes. Every form is marked as simulated: in a comment, and in words where a field takes words."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import uuid4
from xml.sax.saxutils import escape

MARK = "SIMULATED - not customs 模拟海关，非海关单证"
COMMENT = f"<!-- {MARK.replace('--', '-')} -->"
NAMESPACE = "http://www.chinaport.gov.cn/ceb"

_RECEIPT = ("returnStatus", "returnTime", "returnInfo")

# kind → (node, its fields in order) of a receipt about one document
RECEIPTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "CEB312": ("OrderReturn", ("guid", "ebpCode", "ebcCode", "orderNo", *_RECEIPT)),
    "CEB412": ("PaymentReturn", ("guid", "payCode", "payTransactionId", *_RECEIPT)),
    "CEB512": ("LogisticsReturn", ("guid", "logisticsCode", "logisticsNo", *_RECEIPT)),
    "CEB514": ("LogisticsStatusReturn", ("guid", "logisticsCode", "logisticsNo", "logisticsStatus", *_RECEIPT)),
    "CEB622": (
        "InventoryReturn",
        ("guid", "customsCode", "ebpCode", "ebcCode", "agentCode", "copNo", "preNo", "invtNo", *_RECEIPT),
    ),
    "CEB624": (
        "InvtCancelReturn",
        ("guid", "customsCode", "agentCode", "ebpCode", "ebcCode", "copNo", "preNo", "invtNo", *_RECEIPT),
    ),
    "CEB626": (
        "InvtRefundReturn",
        ("guid", "customsCode", "agentCode", "ebpCode", "ebcCode", "copNo", "preNo", "invtNo", *_RECEIPT),
    ),
    "CEB712": ("DeliveryReturn", ("guid", "customsCode", "operatorCode", "copNo", "preNo", "rkdNo", *_RECEIPT)),
    "CEB304": ("OrderReturn", ("guid", "ebpCode", "ebcCode", "orderNo", *_RECEIPT)),
    "CEB404": ("ReceiptsReturn", ("guid", "ebcCode", "orderNo", "payNo", *_RECEIPT)),
    "CEB506": ("LogisticsReturn", ("guid", "logisticsCode", "logisticsNo", *_RECEIPT)),
    "CEB508": (
        "ArrivalReturn",
        ("guid", "operatorCode", "logisticsCode", "preNo", "copNo", "billNo", "msgSeqNo", *_RECEIPT),
    ),
    "CEB510": ("DepartureReturn", ("guid", "logisticsCode", "copNo", "preNo", "msgSeqNo", *_RECEIPT)),
    "CEB604": (
        "InventoryReturn",
        ("guid", "agentCode", "copNo", "preNo", "invtNo", "ebcCode", "ebpCode", "orderNo", "statisticsFlag", *_RECEIPT),
    ),
    "CEB606": ("InvtCancelReturn", ("guid", "agentCode", "copNo", "preNo", "invtNo", *_RECEIPT)),
    "CEB608": (
        "WayBillReturn",
        ("guid", "agentCode", "logisticsCode", "copNo", "preNo", "billNo", "msgSeqNo", *_RECEIPT),
    ),
    "CEB702": ("SummaryReturn", ("guid", "agentCode", "ebcCode", "copNo", "preNo", "sumNo", "msgSeqNo", *_RECEIPT)),
    "CEB214": (
        "RefundReturn",
        ("guid", "ebpCode", "ebcCode", "agentCode", "coElNo", "preNo", "invtNo", *_RECEIPT),
    ),
    "CEB216": (
        "InvtRefundDetailReturn",
        ("guid", "operatorCode", "logisticsCode", "logisticsNo", "coElNo", "preNo", *_RECEIPT),
    ),
    "CEB900": (
        "MessageReturn",
        ("guid", "returnStatus", "returnInfo", "returnTime", "oriCopMsgId", "oriMessageType", "oriBizMessage"),
    ),
}  # fmt: skip

_TAX_HEAD = (
    "guid", "returnTime", "invtNo", "taxNo", "customsTax", "valueAddedTax", "consumptionTax", "status", "entDutyNo",
    "note", "assureCode", "ebcCode", "logisticsCode", "agentCode", "customsCode",
)  # fmt: skip
_TAX_LINE = ("gnum", "gcode", "taxPrice", "customsTax", "valueAddedTax", "consumptionTax")
_TAX_STATUS = ("guid", "returnTime", "invtNo", "taxNo", "status", "entDutyNo", "assureCode")
_SUMMARY_HEAD = (
    "guid", "customsCode", "sumNo", "opDate", "declSeqNo", "entryId", "decState", "agentCode", "agentName", "ebcCode",
    "ebcName", "declAgentCode", "declAgentName", "grossWeight", "netWeight", "msgCount", "msgSeqNo", "note",
)  # fmt: skip
_SUMMARY_LINE = ("invtNo", "logisticsNo", "gseqno", "gnum", "gcode")


def new_guid() -> str:
    """36 characters, upper case."""
    return str(uuid4()).upper()


def stamp(at: datetime) -> str:
    """``returnTime``: 17 digits down to the millisecond."""
    return f"{at:%Y%m%d%H%M%S}{at.microsecond // 1000:03d}"


def receipt(kind: str, fields: Mapping[str, str]) -> str:
    """A receipt about one document; ``returnInfo`` is marked."""
    node, order = RECEIPTS[kind]
    marked = {**fields, "returnInfo": f"[{MARK}] {fields.get('returnInfo', '')}".strip()[:1000]}
    return _ceb(kind, _node(node, order, marked))


def tax_bill(fields: Mapping[str, str], lines: Sequence[Mapping[str, str]]) -> str:
    """CEB816: the electronic tax bill of one parcel."""
    inner = _node("TaxHeadRd", _TAX_HEAD, {**fields, "note": MARK})
    return _ceb("CEB816", f"<ceb:Tax>{inner}{''.join(_node('TaxListRd', _TAX_LINE, line) for line in lines)}</ceb:Tax>")


def tax_status(fields: Mapping[str, str]) -> str:
    """CEB818: what became of a tax bill."""
    return _ceb("CEB818", f"<ceb:Tax>{_node('TaxHeadStatus', _TAX_STATUS, fields)}</ceb:Tax>")


def summary_result(fields: Mapping[str, str], lines: Sequence[Mapping[str, str]]) -> str:
    """CEB792: the declaration that the parcels of an application were summed up in."""
    inner = _node("SummaryResultHead", _SUMMARY_HEAD, {**fields, "note": MARK})
    body = "".join(_node("SummaryResultList", _SUMMARY_LINE, line) for line in lines)
    return _ceb("CEB792", f"<ceb:SummaryResult>{inner}{body}</ceb:SummaryResult>")


def _ceb(kind: str, inner: str) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{COMMENT}\n'
        f'<ceb:{kind}Message guid="{new_guid()}" version="1.0" xmlns:ceb="{NAMESPACE}">{inner}</ceb:{kind}Message>\n'
    )


def _node(name: str, order: Iterable[str], fields: Mapping[str, str]) -> str:
    inner = "".join(f"<ceb:{one}>{escape(fields[one])}</ceb:{one}>" for one in order if fields.get(one))
    return f"<ceb:{name}>{inner}</ceb:{name}>"


def status_file(seq_no: str, internal_no: str, info: str, *, good: bool) -> str:
    """``Successed_`` or ``Failed_``: whether the client at the exchange took the message in (DealFlag 0, -1)."""
    inner = _plain(
        (("SeqNo", seq_no), ("EtpsPreentNo", internal_no), ("CheckInfo", f"[{MARK}] {info}"),
         ("DealFlag", "0" if good else "-1"))
    )  # fmt: skip
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{COMMENT}\n<CommonResponeMessage>{inner}</CommonResponeMessage>\n'


def bonded(kind: str, business_no: str, at: datetime, parts: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> str:
    """An answer of the bonded set: an envelope and ``parts``, each a node with its fields in order."""
    number = f"CUSSIMULATED{stamp(at)}{uuid4().int % 10**8:08d}"
    envelope = _plain(
        (("version", "1.0"), ("message_id", number), ("file_name", f"{number}.{kind[:3]}"), ("message_type", kind),
         ("sender_id", "SIMULATED"), ("receiver_id", "E010000"), ("send_time", f"{at:%Y-%m-%dT%H:%M:%S}"))
    )  # fmt: skip
    pocket = _plain(
        (("pocket_id", f"{business_no}-{uuid4().hex}"), ("total_pocket_qty", "1"), ("cur_pocket_no", "1"),
         ("is_unstructured", ""))
    )  # fmt: skip
    body = "".join(f"<{node}>{_plain(fields)}</{node}>" for node, fields in parts)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{COMMENT}\n<Package><EnvelopInfo>{envelope}</EnvelopInfo>'
        f"<DataInfo><PocketInfo>{pocket}</PocketInfo><BussinessData><{kind}>{body}</{kind}></BussinessData></DataInfo>"
        "</Package>\n"
    )


def _plain(fields: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields)
