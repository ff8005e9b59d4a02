"""What the rules of lists and passes forbid in a message of the bonded set (customs reference, 1.4 and 1.5)."""

from collections.abc import Iterator
from decimal import Decimal

from wms.customs.messages.bonded import BondedMessage, Fields
from wms.customs.messages.findings import Finding
from wms.customs.messages.values import number
from wms.errors import N_

WEIGHT_SUM = N_("totalWt must be vehicle + frame + container + goods = %(due)s; it is %(found)s.")
BOTH = N_("secdLawfUnitcd and secdLawfQty stand both or not at all.")
POSITIVE = N_("%(name)s must be more than 0.")
ENTERPRISES = N_("dclcusTypecd %(kind)s needs the enterprises of the declaration: %(name)s is missing.")
DECLARATION_TYPE = N_("decType is needed when a declaration is to be generated (genDecFlag 1).")
GOODS_CODE = N_("Passes of type %(kind)s name material number and commodity code of every line.")


def find(message: BondedMessage) -> list[Finding]:
    """Return what the rules of lists and passes forbid in a message (reference 1.4 and 1.5)."""
    if message.type == "INV101":
        return list(_list_rules(message))
    if message.type == "SAS121":
        return list(_pass_rules(message))
    return []


def _list_rules(message: BondedMessage) -> Iterator[Finding]:
    head = message.first("InvtHeadType")
    needed = {"1": ("rltEntryBizopEtpsno", "rltEntryRcvgdEtpsno", "rltEntryDclEtpsno"), "2": ("corrEntryDclEtpsNo",)}
    for name in needed.get(head.get("dclcusTypecd", ""), ()):
        if not head.get(name):
            values = {"kind": head["dclcusTypecd"], "name": name}
            yield Finding("LIST-ENTERPRISE", f"InvtHeadType/{name}", ENTERPRISES, values)
    if head.get("genDecFlag") == "1" and not head.get("decType"):
        yield Finding("LIST-DECTYPE", "InvtHeadType/decType", DECLARATION_TYPE)
    for place, line in enumerate(message.parts.get("InvtListType", ()), 1):
        where = f"InvtListType[{place}]"
        if bool(line.get("secdLawfUnitcd")) != bool(line.get("secdLawfQty")):
            yield Finding("LINE-SECOND", f"{where}/secdLawfQty", BOTH)
        yield from _positive(line, where, ("dclQty", "lawfQty"))


def _pass_rules(message: BondedMessage) -> Iterator[Finding]:
    head = message.first("PassportHead")
    names = ("vehicleWt", "vehicleFrameWt", "containerWt", "totalGrossWt")
    due = sum((number(head.get(name)) or Decimal(0) for name in names), Decimal(0))
    total = number(head.get("totalWt"))
    if total is not None and total != due:
        values = {"due": f"{due.normalize():f}", "found": f"{total.normalize():f}"}
        yield Finding("PASS-WEIGHT", "PassportHead/totalWt", WEIGHT_SUM, values)
    kind = head.get("passportTypecd", "")
    is_empty = kind == "6"
    yield from _positive(head, "PassportHead", ("vehicleWt",) if is_empty else ("vehicleWt", "totalGrossWt"))
    for place, line in enumerate(message.parts.get("PassportList", ()), 1):
        where = f"PassportList[{place}]"
        yield from _positive(line, where, ("dclQty", "grossWt", "netWt"))
        if kind != "5" and not (line.get("gdsMtno") and line.get("gdecd")):  # GAC 2023-200
            yield Finding("PASS-GOODS", f"{where}/gdsMtno", GOODS_CODE, {"kind": kind})


def _positive(fields: Fields, where: str, names: tuple[str, ...]) -> Iterator[Finding]:
    for name in names:
        value = number(fields.get(name))
        if value is not None and value <= 0:
            yield Finding("POSITIVE", f"{where}/{name}", POSITIVE, {"name": name})
