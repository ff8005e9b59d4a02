"""Rules of single fields: code values and number shapes, times, signature where declared."""

import re
from datetime import datetime

from wms.codes import lists
from wms.codes.lists import ListName
from wms.codes.persons import is_division, is_identity_card
from wms.customs.messages.business.common import Fields, Look
from wms.customs.messages.codes import allowed
from wms.customs.messages.findings import Finding
from wms.customs.messages.message import Message
from wms.errors import N_

VALUE = N_("%(name)s is %(found)s; allowed are: %(allowed)s.")
SHAPE = N_("%(name)s %(found)s has not the shape that customs gives it, such as %(example)s.")
UNLISTED = {
    ListName.COUNTRY: N_("%(name)s %(found)s is on customs' list of countries for no country of that day."),
    ListName.UNIT: N_("%(name)s %(found)s is on customs' list of units for no unit of that day."),
}
GUID = N_("%(name)s %(found)s must be 36 signs of capital hexadecimal digits and dashes.")
TIME = N_("%(name)s %(found)s is no date and time.")
CARD = N_("%(name)s is no identity card number: region, day of birth or check character is impossible.")
DIVISION = N_("%(name)s %(found)s is no code of an administrative division.")
SIGNED = N_("A declared document (appStatus 2) needs a signature.")
DECIMALS_FULL = N_("%(name)s fills all digits that the field has; is the amount meant?")

_GUID = re.compile(r"[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}")
_TIMES = {
    "appTime": 14, "payTime": 14, "logisticsTime": 14, "returnTime": 17, "leaveTime": 14, "accountingDate": 14,
    "declTime": 8, "ieDate": 8, "opDate": 17, "startTime": 14, "endTime": 14,
}  # fmt: skip
_CARDS = ("buyerIdNumber", "payerIdNumber")


def check_root(message: Message, found: list[Finding]) -> None:
    """The guid of the message itself: capitals."""
    if len(message.guid) == 36 and not _GUID.fullmatch(message.guid):
        found.append(Finding("SHAPE-GUID", "@guid", GUID, {"name": "guid", "found": message.guid}))


def codes(look: Look) -> None:
    """Values and shapes of all fields of head and lines, by the dated tables."""
    _node(look, look.head, look.kind.head.node.name, look.head_path)
    if look.kind.lines:
        name = look.kind.lines.node.name
        for place, line in enumerate(look.lines, 1):
            _node(look, line, name, look.line_path(place))


def _node(look: Look, fields: Fields, node: str, where: str) -> None:
    for name, rule in allowed(look.message.type, node, look.on).items():
        value = fields.get(name)
        if not value:
            continue
        if rule.shape is None:
            if value not in rule.values:
                said = {"name": name, "found": value, "allowed": " ".join(sorted(rule.values))}
                look.found.append(Finding(rule.rule, f"{where}/{name}", VALUE, said))
        elif not rule.shape.fullmatch(value):
            said = {"name": name, "found": value, "example": rule.example}
            look.found.append(Finding(rule.rule, f"{where}/{name}", SHAPE, said))
        elif rule.listed is not None and value not in lists.codes_on(rule.listed, look.on):
            said = {"name": name, "found": value}
            look.found.append(Finding(f"CODE-{rule.listed.name}", f"{where}/{name}", UNLISTED[rule.listed], said))


def times(look: Look) -> None:
    for name, length in _TIMES.items():
        value = look.head.get(name)
        if value and len(value) == length and not _is_time(value):
            look.say("SHAPE-TIME", name, TIME, name=name, found=value)


def _is_time(text: str) -> bool:
    if not (text.isascii() and text.isdecimal()):
        return False
    parts = [int(text[:4]), int(text[4:6]), int(text[6:8])]
    parts += [int(text[place : place + 2]) for place in (8, 10, 12) if len(text) > 8]
    try:
        datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - a check, not an instant
    except ValueError:
        return False
    return True


def cards(look: Look) -> None:
    """Buyer and payer: the number of an identity card (buyerIdType and payerIdType 1)."""
    for name in _CARDS:
        value = look.head.get(name)
        kind = look.head.get(name.replace("Number", "Type"))
        if value and kind == "1" and not is_identity_card(value):
            look.say("ID-CARD", name, CARD, name=name)
    district = look.head.get("consigneeDistrict")
    if district and not is_division(district):
        look.say("CODE-DISTRICT", "consigneeDistrict", DIVISION, name="consigneeDistrict", found=district)


def amounts(look: Look) -> None:
    """An amount or weight of fourteen whole digits is a test value or a slip of the hand."""
    for field in look.kind.head.node.fields:
        if field.sort == "decimal":
            value = look.head.get(field.name) or ""
            if len(value.partition(".")[0].lstrip("0")) >= field.most - field.decimals:
                look.say("AMOUNT-FULL", field.name, DECIMALS_FULL, name=field.name)


def signed(look: Look) -> None:
    """Rule 8: what is declared is signed."""
    if look.head.get("appStatus") == "2" and look.message.signature is None:
        look.say("SIGN-DECLARED", "appStatus", SIGNED)


RULES = (codes, times, cards, amounts)
