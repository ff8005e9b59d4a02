"""The bonded set: lists (INV101, 201, 202, 211), passes (SAS121, 221, 223, 224) and the form of customs' client.

There is no public schema: structure and order are our own description (data/bonded-EDITION.json), from fields of real
messages, and are to be confirmed (docs/assumptions.md). The spellings DelcareFlag, BussinessData and CommonRespone are
customs' own. Whatever writes, reads, checks or recognises these messages asks this one description.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
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
from wms.customs.messages.writing import text_of
from wms.errors import N_

EDITION = "202611"
SAVE, DECLARE = "0", "1"
STATUS_FORM = "CommonResponeMessage"  # customs' own spelling
FLAG = N_("DelcareFlag must be 0 (save) or 1 (declare).")
TOLERATED = ("SCH-UNEXPECTED", "SCH-ORDER")  # in what comes: customs may say more than our description knows

Fields = Mapping[str, str]


@dataclass(frozen=True)
class Kind:
    """A bonded message: the element that holds its fields and parts, in order. The status form is its own only part.

    ``is_sent``: by an enterprise, in a signature's envelope and with its flag.
    """

    type: str
    container: str
    is_sent: bool
    fields: spec.Node
    parts: tuple[spec.Part, ...]


@dataclass(frozen=True)
class BondedMessage:
    """``parts``: the fields of each part, in order of appearance. ``declare_flag`` only on what is sent."""

    type: str
    envelope: Fields
    parts: Mapping[str, tuple[Fields, ...]]
    declare_flag: str | None = None
    fields: Fields = field(default_factory=dict)
    pocket: Fields | None = None

    def first(self, name: str) -> Fields:
        """Return the first part of a name; empty when there is none."""
        found = self.parts.get(name, ())
        return found[0] if found else {}

    def said(self, *names: str) -> dict[str, str]:
        """Return the fields of the first part of each name together, without white space around them."""
        return {name: text.strip() for part in names for name, text in self.first(part).items()}


@cache
def kinds() -> Mapping[str, Kind]:
    """Return every bonded message by its type."""
    raw = _raw()
    nodes = {name: _node(name, fields) for name, fields in raw["nodes"].items()}
    return {
        name: Kind(
            name, said["container"], said.get("sent", False), _node(said["container"], said.get("fields", [])),
            tuple(spec.parts_of(said["parts"], nodes)),
        )
        for name, said in raw["messages"].items()
    }  # fmt: skip


@cache
def containers() -> Mapping[str, str]:
    """Return the type of message by the element that tells it; of kinds too that are only kept."""
    known = {kind.container: kind.type for kind in kinds().values() if kind.container}
    return known | {name: name for name in _raw()["kept_only"]}


@cache
def received() -> tuple[str, ...]:
    """Return the kinds that come from customs, the form of its client first."""
    return (STATUS_FORM, *(kind.type for kind in kinds().values() if not kind.is_sent and kind.container))


@cache
def numbers() -> frozenset[str]:
    """Return the names of the fields by which a document is known in the messages about it."""
    return frozenset(_raw()["numbers"])


@cache
def verdicts() -> tuple[str, ...]:
    """Return the names of the fields that bring an answer, the plainest first."""
    return tuple(_raw()["verdicts"])


@cache
def _envelope() -> spec.Node:
    return _node("EnvelopInfo", _raw()["envelope"])


@cache
def _pocket() -> spec.Node:
    return _node("PocketInfo", _raw()["pocket"])


@cache
def _raw() -> dict[str, Any]:
    path = resources.files("wms.customs.messages").joinpath(f"data/bonded-{EDITION}.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _node(name: str, fields: list[str]) -> spec.Node:
    made = spec.node_of(name, fields)
    bare = tuple(
        dataclasses.replace(field, tag=field.name, default=None if field.is_required else "") for field in made.fields
    )
    return spec.Node(name, name, bare, {field.name: place for place, field in enumerate(bare)})


def is_bonded(root: Element) -> bool:
    """Whether a root element is one of the bonded set."""
    name = etree.QName(root).localname
    if name == "Signature":
        return root.find("{*}Object/{*}Package") is not None
    return name in ("Package", STATUS_FORM)


def read(data: bytes) -> BondedMessage:
    """Return the message that the bytes hold. Raises Unreadable, or NotSchemaValid with every finding."""
    message, found = look(reading.parse(data))
    if found or message is None:
        raise NotSchemaValid(tuple(found))
    return message


def take(data: bytes) -> BondedMessage:
    """As :func:`read`, of a message that came: what stands in it beside our description is passed over."""
    message, found = look(reading.parse(data))
    wrong = tuple(one for one in found if one.rule not in TOLERATED)
    if wrong or message is None:
        raise NotSchemaValid(wrong or tuple(found))
    return message


def look(root: Element) -> tuple[BondedMessage | None, list[Finding]]:
    """Return what can be read, and what our description forbids in it."""
    for one in root.iter():
        if isinstance(one.tag, str):
            one.tag = etree.QName(one).localname  # real messages use the signature's namespace, or none
    found: list[Finding] = []
    if root.tag == STATUS_FORM:
        form = fields_of(root, kinds()[STATUS_FORM].parts[0].node, STATUS_FORM, found)
        return BondedMessage(STATUS_FORM, {}, {STATUS_FORM: (form,)}), found
    package = root if root.tag == "Package" else root.find("Object/Package")
    envelope = package.find("EnvelopInfo") if package is not None else None
    named = envelope.findtext("message_type") if envelope is not None else None
    kind = kinds().get((named or "").strip())
    if package is None or envelope is None or kind is None or kind.type == STATUS_FORM:
        name = named or root.tag
        return None, [Finding("SCH-ROOT", str(root.tag), UNKNOWN_ROOT, {"found": name})]
    if kind.is_sent != (root.tag == "Signature"):
        needed = "Signature" if kind.is_sent else "Package"
        found.append(Finding("SCH-ROOT", str(root.tag), MISSING, {"name": needed}))
    head = fields_of(envelope, _envelope(), "EnvelopInfo", found)
    pocket_node = package.find("DataInfo/PocketInfo")
    pocket = fields_of(pocket_node, _pocket(), "PocketInfo", found) if pocket_node is not None else None
    business = package.find("DataInfo/BussinessData")
    container = business.find(kind.container) if business is not None else None
    if business is None or container is None:
        name = "BussinessData" if business is None else kind.container
        return None, [*found, Finding("SCH-MISSING", name, MISSING, {"name": name})]
    flag = business.findtext("DelcareFlag") if kind.is_sent else None
    if kind.is_sent and flag not in (SAVE, DECLARE):
        found.append(Finding("SCH-FIXED", "DelcareFlag", FLAG))
    fields, parts = _content(container, kind, found)
    return BondedMessage(kind.type, head, parts, flag, fields, pocket), found


def _content(
    container: Element, kind: Kind, found: list[Finding]
) -> tuple[dict[str, str], dict[str, tuple[Fields, ...]]]:
    order = [*kind.fields.places, *(part.node.name for part in kind.parts)]
    first = len(kind.fields.fields)
    fields: dict[str, str] = {}
    made: dict[str, list[Fields]] = {}
    reached = 0
    for child in container:
        if child.tag not in order:
            found.append(Finding("SCH-UNEXPECTED", str(child.tag), UNEXPECTED, {"name": str(child.tag)}))
            continue
        place = order.index(child.tag)
        if place < reached:
            found.append(Finding("SCH-ORDER", child.tag, ORDER, {"name": child.tag}))
        reached = max(reached, place)
        if place < first:
            fields[child.tag] = child.text or ""
            continue
        rows = made.setdefault(child.tag, [])
        node = kind.parts[place - first].node
        rows.append(fields_of(child, node, f"{child.tag}[{len(rows) + 1}]", found))
    for part in kind.parts:
        name, count = part.node.name, len(made.get(part.node.name, ()))
        if count < part.least:
            found.append(Finding("SCH-MISSING", name, MISSING, {"name": name}))
        if count > part.most:
            found.append(Finding("SCH-TOO-MANY", name, TOO_MANY, {"name": name, "count": count, "most": part.most}))
    return fields, {name: tuple(rows) for name, rows in made.items()}


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
    parts = "".join(
        _written(part.node, fields) for part in kind.parts for fields in message.parts.get(part.node.name, ())
    )
    if message.type == STATUS_FORM:
        return parts.encode()
    flag = f"<DelcareFlag>{text_of('DelcareFlag', message.declare_flag or '')}</DelcareFlag>" if kind.is_sent else ""
    pocket = _written(_pocket(), message.pocket) if message.pocket is not None else ""
    package = (
        f"<Package>{_written(_envelope(), message.envelope)}<DataInfo>{pocket}<BussinessData>{flag}<{kind.container}>"
        f"{_inner(kind.fields, message.fields)}{parts}</{kind.container}></BussinessData></DataInfo></Package>"
    )
    return (f"<Signature><Object>{package}</Object></Signature>" if kind.is_sent else package).encode()


def _written(node: spec.Node, fields: Fields) -> str:
    return f"<{node.name}>{_inner(node, fields)}</{node.name}>"


def _inner(node: spec.Node, fields: Fields) -> str:
    return "".join(
        f"<{field.name}>{text_of(field.name, fields[field.name])}</{field.name}>"
        for field in node.fields
        if field.name in fields
    )
