"""Every rule over one message: values, then each document by its kind, then what stands twice."""

from collections.abc import Callable
from functools import cache

from wms.customs.messages import spec
from wms.customs.messages.business import exports, imports, receipts, repeats, values
from wms.customs.messages.business.common import Look, document_day
from wms.customs.messages.findings import Finding
from wms.customs.messages.message import Message, head_of, lines_of

Rule = Callable[[Look], None]
BY_TYPE: dict[str, tuple[Rule, ...]] = {
    "CEB311": imports.ORDER,
    "CEB411": imports.PAYMENT,
    "CEB511": imports.WAYBILL,
    "CEB621": imports.DECLARATION,
    "CEB623": imports.CANCELLATION,
    "CEB625": imports.RETURN,
    "CEB711": imports.ENTRY,
    "CEB213": exports.RETURN,
    "CEB303": exports.ORDER,
    "CEB505": exports.WAYBILL,
    "CEB507": exports.ARRIVAL,
    "CEB509": exports.DEPARTURE,
    "CEB603": exports.DECLARATION,
    "CEB607": exports.MASTER,
    "CEB701": exports.SUMMARY,
    "CEB792": exports.RESULT,
}


@cache
def _rules(message_type: str) -> tuple[Rule, ...]:
    kind = spec.kind(message_type)
    more = receipts.RECEIPT if kind.is_receipt else (values.signed,)
    return (*values.RULES, *more, *BY_TYPE.get(message_type, ()))


def find(message: Message) -> list[Finding]:
    """Return what the rules of the trade forbid in a message, in the order of its documents."""
    kind = spec.kind(message.type)
    found: list[Finding] = []
    values.check_root(message, found)
    rules = _rules(message.type)
    for place, document in enumerate(message.documents, 1):
        head = head_of(message, document)
        where = f"{kind.document}[{place}]"
        look = Look(message, kind, head, lines_of(message, document), where, document_day(head), found)
        for rule in rules:
            rule(look)
    repeats.check(message, found)
    return found
