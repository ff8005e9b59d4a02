"""What stands more than once in one message: document ids, and numbers that name one thing only."""

from wms.customs.messages import spec
from wms.customs.messages.findings import Finding
from wms.customs.messages.message import Message, head_of
from wms.errors import N_

TWICE = N_("%(name)s %(found)s stands in %(count)s documents of this message.")
# The number that a document has of its own, beside its guid.
NUMBERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("CEB311", "CEB312", "CEB303", "CEB304"), ("orderNo",)),
    **dict.fromkeys(("CEB411", "CEB412"), ("payTransactionId",)),
    **dict.fromkeys(("CEB403", "CEB404"), ("payNo",)),
    "CEB511": ("logisticsNo", "orderNo"),
    **dict.fromkeys(("CEB512", "CEB513", "CEB514", "CEB505", "CEB506"), ("logisticsNo",)),
    "CEB621": ("copNo", "orderNo", "logisticsNo"),
    "CEB603": ("copNo", "orderNo", "logisticsNo"),
    **dict.fromkeys(("CEB622", "CEB623", "CEB624", "CEB625", "CEB626", "CEB712"), ("copNo",)),
    **dict.fromkeys(("CEB604", "CEB605", "CEB606"), ("copNo",)),
    **dict.fromkeys(("CEB213", "CEB214", "CEB215", "CEB216"), ("coElNo",)),
    **dict.fromkeys(("CEB507", "CEB508", "CEB509", "CEB510", "CEB607", "CEB608", "CEB701", "CEB702"), ("copNo",)),
    **dict.fromkeys(("CEB816", "CEB818"), ("taxNo",)),
    "CEB792": ("sumNo",),
}
_IN_PARTS = {"CEB507", "CEB508", "CEB509", "CEB510", "CEB607", "CEB608", "CEB701", "CEB702", "CEB792"}


def check(message: Message, found: list[Finding]) -> None:
    """Find guids and own numbers that stand twice; parts of one split document share their number."""
    if len(message.documents) < 2:
        return
    kind = spec.kind(message.type)
    heads = [head_of(message, document) for document in message.documents]
    for name in ("guid", *NUMBERS.get(message.type, ())):
        places: dict[tuple[str, str], list[int]] = {}
        for place, head in enumerate(heads, 1):
            if value := head.get(name):
                part = head.get("msgSeqNo", "") if message.type in _IN_PARTS and name != "guid" else ""
                places.setdefault((value, part), []).append(place)
        for (value, _part), at in places.items():
            if len(at) > 1:
                inner = f"/{kind.head.node.name}" if kind.is_nested else ""
                values = {"name": name, "found": value, "count": len(at)}
                found.append(Finding("REPEATED", f"{kind.document}[{at[1]}]{inner}/{name}", TWICE, values))
