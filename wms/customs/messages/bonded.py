"""The bonded set: verification lists (INV101, 201, 202, 211) and gate passes (SAS121, 221, 223, 224), read and written.

There is no public schema: structure and order are our own description (data/bonded-EDITION.json), from fields of real
messages, and are to be confirmed (docs/assumptions.md). The spellings DelcareFlag and BussinessData are customs' own.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

from lxml import etree

from wms.customs.messages import reading, spec
from wms.customs.messages.findings import Finding
from wms.customs.messages.reading import Element
from wms.customs.messages.shape import (
    MISSING,
    ORDER,
    TOO_MANY,
    UNEXPECTED,
    UNKNOWN_ROOT,
    NotSchemaValid,
    fields_of,
)
from wms.customs.messages.values import number
from wms.customs.messages.writing import text_of
from wms.errors import N_

EDITION = "202611"
SAVE, DECLARE = "0", "1"
_PATH = ("Object", "Package")
WEIGHT_SUM = N_("totalWt must be vehicle + frame + container + goods = %(due)s; it is %(found)s.")
BOTH = N_("secdLawfUnitcd and secdLawfQty stand both or not at all.")
POSITIVE = N_("%(name)s must be more than 0.")
ENTERPRISES = N_("dclcusTypecd %(kind)s needs the enterprises of the declaration: %(name)s is missing.")
DECLARATION_TYPE = N_("decType is needed when a declaration is to be generated (genDecFlag 1).")
GOODS_CODE = N_("Passes of type %(kind)s name material number and commodity code of every line.")
FLAG = N_("DelcareFlag must be 0 (save) or 1 (declare).")

Fields = Mapping[str, str]


@dataclass(frozen=True)
class Kind:
    """A bonded message: what it is wrapped in, and its parts in order."""

    type: str
    container: str
    declares: bool
    parts: tuple[spec.Part, ...]


@dataclass(frozen=True)
class BondedMessage:
    """``parts``: the fields of each part, in order of appearance. ``declare_flag`` only on what we send."""

    type: str
    envelope: Fields
    parts: Mapping[str, tuple[Fields, ...]]
    declare_flag: str | None = None

    def first(self, name: str) -> Fields:
        """Return the first part of a name; empty when there is none."""
        found = self.parts.get(name, ())
        return found[0] if found else {}


@cache
def kinds() -> Mapping[str, Kind]:
    """Return every bonded message by its type."""
    raw = _raw()
    nodes = {name: _node(name, fields) for name, fields in raw["nodes"].items()}
    return {
        name: Kind(name, said["container"], said["declares"], tuple(spec.parts_of(said["parts"], nodes)))
        for name, said in raw["messages"].items()
    }


@cache
def _envelope() -> spec.Node:
    return _node("EnvelopInfo", _raw()["envelope"])


@cache
def _raw() -> dict[str, Any]:
    path = resources.files("wms.customs.messages").joinpath(f"data/bonded-{EDITION}.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _node(name: str, fields: list[str]) -> spec.Node:
    made = spec.node_of(name, fields)
    bare = tuple(dataclasses.replace(field, tag=field.name) for field in made.fields)
    return spec.Node(name, name, bare, {field.name: place for place, field in enumerate(bare)})


def is_bonded(root: Element) -> bool:
    """Whether a root element is that of the bonded set."""
    return etree.QName(root).localname == "Signature" and root.find("{*}Object/{*}Package") is not None


def read(data: bytes) -> BondedMessage:
    """Return the message that the bytes hold. Raises Unreadable, or NotSchemaValid with every finding."""
    message, found = look(reading.parse(data))
    if found or message is None:
        raise NotSchemaValid(tuple(found))
    return message


def look(root: Element) -> tuple[BondedMessage | None, list[Finding]]:
    """Return what can be read, and what our description forbids in it."""
    for one in root.iter():
        if isinstance(one.tag, str):
            one.tag = etree.QName(one).localname  # real messages use the signature's namespace, or none
    found: list[Finding] = []
    package = root.find("Object/Package")
    envelope = package.find("EnvelopInfo") if package is not None else None
    named = envelope.findtext("message_type") if envelope is not None else None
    kind = kinds().get((named or "").strip())
    if package is None or envelope is None or kind is None:
        name = named or root.tag
        return None, [Finding("SCH-ROOT", str(root.tag), UNKNOWN_ROOT, {"found": name})]
    head = fields_of(envelope, _envelope(), "EnvelopInfo", found)
    business = package.find("DataInfo/BussinessData")
    container = business.find(kind.container) if business is not None else None
    if business is None or container is None:
        name = "BussinessData" if business is None else kind.container
        return None, [*found, Finding("SCH-MISSING", name, MISSING, {"name": name})]
    flag = business.findtext("DelcareFlag") if kind.declares else None
    if kind.declares and flag not in (SAVE, DECLARE):
        found.append(Finding("SCH-FIXED", "DelcareFlag", FLAG))
    return BondedMessage(kind.type, head, _parts(container, kind, found), flag), found


def _parts(container: Element, kind: Kind, found: list[Finding]) -> dict[str, tuple[Fields, ...]]:
    order = [part.node.name for part in kind.parts]
    made: dict[str, list[Fields]] = {}
    reached = 0
    for child in container:
        if child.tag not in order:
            found.append(Finding("SCH-UNEXPECTED", child.tag, UNEXPECTED, {"name": child.tag}))
            continue
        place = order.index(child.tag)
        if place < reached:
            found.append(Finding("SCH-ORDER", child.tag, ORDER, {"name": child.tag}))
        reached = max(reached, place)
        rows = made.setdefault(child.tag, [])
        rows.append(fields_of(child, kind.parts[place].node, f"{child.tag}[{len(rows) + 1}]", found))
    for part in kind.parts:
        name, count = part.node.name, len(made.get(part.node.name, ()))
        if count < part.least:
            found.append(Finding("SCH-MISSING", name, MISSING, {"name": name}))
        if count > part.most:
            found.append(Finding("SCH-TOO-MANY", name, TOO_MANY, {"name": name, "count": count, "most": part.most}))
    return {name: tuple(rows) for name, rows in made.items()}


def write(message: BondedMessage) -> bytes:
    """Return the message as canonical XML in the order of our description. Raises NotSchemaValid."""
    data = compose(message)
    _message, found = look(reading.parse(data))
    if found:
        raise NotSchemaValid(tuple(found))
    return data


def compose(message: BondedMessage) -> bytes:
    """As :func:`write`, without looking whether the description allows it."""
    kind = kinds()[message.type]
    flag = f"<DelcareFlag>{text_of('DelcareFlag', message.declare_flag or '')}</DelcareFlag>" if kind.declares else ""
    parts = "".join(
        _written(part.node, fields) for part in kind.parts for fields in message.parts.get(part.node.name, ())
    )
    return (
        f"<Signature><Object><Package>{_written(_envelope(), message.envelope)}<DataInfo><BussinessData>{flag}"
        f"<{kind.container}>{parts}</{kind.container}></BussinessData></DataInfo></Package></Object></Signature>"
    ).encode()


def _written(node: spec.Node, fields: Fields) -> str:
    inner = "".join(
        f"<{field.name}>{text_of(field.name, fields[field.name])}</{field.name}>"
        for field in node.fields
        if field.name in fields
    )
    return f"<{node.name}>{inner}</{node.name}>"


def find(message: BondedMessage) -> list[Finding]:
    """Return what the rules of lists and passes forbid in a message (reference 1.4 and 1.5)."""
    if message.type == "INV101":
        return list(_list_rules(message))
    if message.type == "SAS121":
        return list(_pass_rules(message))
    return []


def _list_rules(message: BondedMessage) -> Iterator[Finding]:
    head = message.first("InvtHeadType")
    needed = {"1": ("rltEntryBizopEtpsno", "rltEntryRcvgdEtpsno", "rltEntryDclEtpsno"), "2": ("corrEntryDclEtpsno",)}
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
