"""Receipts: their codes. One that is on no list is kept and shown, and moves nothing."""

from wms.customs.messages.business.common import Look
from wms.customs.messages.codes import error, receipt
from wms.errors import N_

UNLISTED = N_("returnStatus %(found)s is on no list of receipt codes: it is kept and moves nothing.")
STAGE = N_("returnStatus %(found)s does not occur in %(message_type)s.")
UNKNOWN_ERROR = N_("Exception code %(found)s is on no list: it is kept and moves nothing.")
ENTERPRISE = N_("orderNo %(found)s is the code of an enterprise, not of an order.")
_THREE_DOCUMENTS = {"CEB312", "CEB412", "CEB512", "CEB514"}
_OF_THREE = {"2", "3", "4", "100", "120"}


def status(look: Look) -> None:
    said = look.head.get("returnStatus")
    if not said:
        return
    if said.startswith("-"):
        if error(said) is None:
            look.say("RECEIPT-CODE", "returnStatus", UNKNOWN_ERROR, found=said)
        return
    known = receipt(said, look.on)
    if known is None and error(said) is None:
        look.say("RECEIPT-CODE", "returnStatus", UNLISTED, found=said)
    elif known and look.message.type in _THREE_DOCUMENTS and said not in _OF_THREE:
        look.say("RECEIPT-STAGE", "returnStatus", STAGE, found=said, message_type=look.message.type)


def order_number(look: Look) -> None:
    said = look.head.get("orderNo")
    if said and said in {look.head.get(name) for name in ("ebpCode", "ebcCode", "agentCode")}:
        look.say("NUMBER-ENTERPRISE", "orderNo", ENTERPRISE, found=said)


RECEIPT = (status, order_number)
