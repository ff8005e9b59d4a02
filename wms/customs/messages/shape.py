"""An element tree against our description: the message it holds, and everything that the schema forbids in it.

One walk does both, so that a message with mistakes can still be looked at by the rules of the trade.
"""

import re
from typing import Any

from lxml import etree

from wms.customs.messages import reading, spec
from wms.customs.messages.findings import Finding
from wms.customs.messages.message import Extension, Message
from wms.customs.messages.reading import Element
from wms.customs.messages.signature_shape import broken_signature
from wms.customs.messages.values import broken
from wms.errors import N_, Kind, WmsError

XSI = "http://www.w3.org/2001/XMLSchema-instance"
_HINTS = frozenset({f"{{{XSI}}}schemaLocation", f"{{{XSI}}}noNamespaceSchemaLocation"})
_TYPE = re.compile(r"CEB\d{3}")
_WITHIN = "ancestor-or-self::*[self::ds:Signature or parent::*[self::ceb:ExtendMessage]]"
_NAMES = {"ceb": spec.NAMESPACE, "ds": spec.SIGNATURE_NAMESPACE}
# A first look without the exceptions costs little; where it finds something, the second one leaves them out.
_ANY_STRAY = etree.XPath("boolean(//*[*]/text()[normalize-space()] | /*/descendant::*/@*)")
_STRAY_TEXT = etree.XPath(f"//*[*][not({_WITHIN})][text()[normalize-space()]]", namespaces=_NAMES)
_STRAY_ATTRIBUTES = etree.XPath(f"/*/descendant::*[@*][not({_WITHIN})]", namespaces=_NAMES)

UNKNOWN_ROOT = N_("The root element is %(found)s; no message is called so.")
ROOT_NAME = N_("The root element is %(found)s; it must be %(needed)s.")
NAMESPACE = N_("The message is not in customs' namespace %(needed)s.")
ATTRIBUTE = N_("The message lacks the attribute %(name)s.")
ATTRIBUTE_LENGTH = N_("The attribute %(name)s has %(count)s signs, not what the schema asks for.")
ATTRIBUTE_UNKNOWN = N_("There may be no attribute %(name)s here.")
MISSING = N_("%(name)s is missing.")
UNEXPECTED = N_("%(name)s may not stand here.")
REPEATED = N_("%(name)s stands twice; once is allowed.")
TOO_MANY = N_("%(name)s stands %(count)s times; at most %(most)s are allowed.")
TOO_FEW = N_("%(name)s stands %(count)s times; at least %(least)s are needed.")
ORDER = N_("%(name)s stands at the wrong place; the order of elements is fixed.")
STRAY_TEXT = N_("Between the elements of %(name)s stands text.")
NESTED = N_("%(name)s holds elements; it may only hold text.")
UNSIGNED = N_("%(name)s must be signed.")


class NotSchemaValid(WmsError):
    """The message breaks the schema; the first finding is named, all are in ``findings``."""

    code = "message_not_valid"
    kind = Kind.INVALID
    text = N_("The message is not valid: %(said)s (%(where)s).")

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        self.findings = findings
        super().__init__(field=findings[0].field, said=findings[0].english, where=findings[0].field)


def read(data: bytes) -> Message:
    """Return the message that the bytes hold. Raises Unreadable, or NotSchemaValid with every finding."""
    message, findings = look(reading.parse(data))
    if findings or message is None:
        raise NotSchemaValid(tuple(findings))
    return message


def look(root: Element) -> tuple[Message | None, list[Finding]]:
    """Return what can be read of a message, and what the schema forbids in it; None for a root that is no message."""
    found: list[Finding] = []
    kind = _kind(root, found)
    if kind is None:
        return None, found
    _attributes(root, found)
    if _ANY_STRAY(root):
        _stray(root, found)
    return _content(root, kind, found), found


def _kind(root: Element, found: list[Finding]) -> spec.Kind | None:
    name = etree.QName(root)
    said = _TYPE.match(name.localname)
    kind = spec.kinds().get(said[0]) if said else None
    if kind is None:
        found.append(Finding("SCH-ROOT", name.localname, UNKNOWN_ROOT, {"found": name.localname}))
        return None
    if name.namespace != spec.NAMESPACE:
        found.append(Finding("SCH-NAMESPACE", name.localname, NAMESPACE, {"needed": spec.NAMESPACE}))
        _adopt(root, name.namespace)
    if name.localname != f"{kind.type}Message":
        values = {"found": name.localname, "needed": f"{kind.type}Message"}
        found.append(Finding("SCH-ROOT", name.localname, ROOT_NAME, values))
    return kind


def _adopt(root: Element, namespace: str | None) -> None:
    """Read elements of a wrong namespace as if they were in the right one, so that their content is looked at too."""
    wrong = f"{{{namespace}}}" if namespace else ""
    for one in root.iter():
        if isinstance(one.tag, str) and one.tag.startswith(wrong) and (wrong or not one.tag.startswith("{")):
            one.tag = spec.tag(one.tag.removeprefix(wrong))


def _attributes(root: Element, found: list[Finding]) -> None:
    given = dict(root.attrib)
    for name, least, most in (("guid", 36, 36), ("version", 1, 10)):
        value = given.pop(name, None)
        if value is None:
            found.append(Finding("SCH-ATTRIBUTE", f"@{name}", ATTRIBUTE, {"name": name}))
        elif not least <= len(value) <= most:
            values = {"name": name, "count": len(value)}
            found.append(Finding("SCH-ATTRIBUTE", f"@{name}", ATTRIBUTE_LENGTH, values))
    _unknown_attributes(given.keys(), "", found)


def _unknown_attributes(names: Any, where: str, found: list[Finding]) -> None:
    for name in names:
        if name not in _HINTS:
            local = etree.QName(name).localname
            found.append(Finding("SCH-ATTRIBUTE", f"{where}@{local}", ATTRIBUTE_UNKNOWN, {"name": local}))


def _stray(root: Element, found: list[Finding]) -> None:
    for one in _STRAY_TEXT(root):
        name = etree.QName(one).localname
        found.append(Finding("SCH-TEXT", name, STRAY_TEXT, {"name": name}))
    for one in _STRAY_ATTRIBUTES(root):
        _unknown_attributes(one.attrib.keys(), etree.QName(one).localname, found)


def _content(root: Element, kind: spec.Kind, found: list[Finding]) -> Message:
    """Read documents and tail in their order; a child out of place is named and still read."""
    documents: list[Any] = []
    transfer, subscribes = None, []
    extension, signature = None, None
    reached = -1
    seen: dict[str, int] = {}
    order = (kind.document, *kind.tail)
    for child in root:
        tag = child.tag
        if tag.__class__ is not str:
            continue
        name = "Signature" if tag == spec.SIGNATURE_TAG else tag.rpartition("}")[2]
        in_place = tag == spec.SIGNATURE_TAG or tag.startswith(_PREFIX)
        if not in_place or name not in order:
            found.append(Finding("SCH-UNEXPECTED", name, UNEXPECTED, {"name": name}))
            continue
        place = order.index(name)
        if place < reached:
            found.append(Finding("SCH-ORDER", name, ORDER, {"name": name}))
        reached = max(place, reached)
        count = seen[name] = seen.get(name, 0) + 1
        if name == kind.document:
            documents.append(_document(child, kind, f"{name}[{count}]", found))
        elif name == "BaseTransfer":
            fields = fields_of(child, spec.description().transfer[kind.direction], name, found)
            transfer = transfer or fields
        elif name == "BaseSubscribe":
            subscribes.append(fields_of(child, spec.description().subscribe[kind.direction], f"{name}[{count}]", found))
        elif name == "ExtendMessage":
            extension = _extension(child, found)
        else:
            found.extend(broken_signature(child, lambda one: _lax(one, kind.direction)))
            signature = etree.tostring(child, method="c14n", exclusive=True)
    _occurrences(kind, seen, found)
    return Message(
        type=kind.type,
        guid=root.get("guid") or "",
        version=root.get("version") or "",
        documents=tuple(documents),
        transfer=transfer,
        subscribes=tuple(subscribes),
        extension=extension,
        signature=signature,
    )


_PREFIX = spec.tag("")


def _lax(element: Element, direction: str) -> list[Finding]:
    """Look at an element that may be anything: it must be right only where the schema knows it by name."""
    found: list[Finding] = []
    name = etree.QName(element).localname
    if element.tag.startswith(_PREFIX):
        node = spec.description().nodes[direction].get(name)
        exports = (kind for kind in spec.kinds().values() if kind.direction == direction == "export")
        wrapper = next((kind for kind in exports if kind.document == name and kind.is_nested), None)
        if name == "ExtendMessage":
            _extension(element, found)
            return found
        if node:
            fields_of(element, node, name, found)
            return found
        if wrapper:
            _document(element, wrapper, name, found)
            return found
    for child in element:
        if isinstance(child.tag, str):
            found.extend(_lax(child, direction))
    return found


def _occurrences(kind: spec.Kind, seen: dict[str, int], found: list[Finding]) -> None:
    count = seen.get(kind.document, 0)
    if count > kind.most:
        values = {"name": kind.document, "count": count, "most": kind.most}
        found.append(Finding("SCH-TOO-MANY", kind.document, TOO_MANY, values))
    needed = [kind.document]
    if kind.tail:
        needed.append("BaseTransfer")
    found.extend(Finding("SCH-MISSING", name, MISSING, {"name": name}) for name in needed if name not in seen)
    if kind.signature == "!" and "Signature" not in seen:
        found.append(Finding("SCH-SIGNATURE", "Signature", UNSIGNED, {"name": kind.type}))
    twice = [name for name in ("BaseTransfer", "ExtendMessage", "Signature") if seen.get(name, 0) > 1]
    found.extend(Finding("SCH-REPEATED", name, REPEATED, {"name": name}) for name in twice)
    if seen.get("BaseSubscribe", 0) > 5:
        values = {"name": "BaseSubscribe", "count": seen["BaseSubscribe"], "most": 5}
        found.append(Finding("SCH-TOO-MANY", "BaseSubscribe", TOO_MANY, values))


def _document(element: Element, kind: spec.Kind, where: str, found: list[Finding]) -> dict[str, Any]:
    if not kind.is_nested:
        return fields_of(element, kind.head.node, where, found)
    head, lines = kind.head.node, kind.lines
    made: dict[str, Any] = {}
    rows: list[dict[str, str]] = []
    for child in element:
        tag = child.tag
        if tag.__class__ is not str:
            continue
        if tag == head.tag:
            if rows:
                found.append(Finding("SCH-ORDER", f"{where}/{head.name}", ORDER, {"name": head.name}))
            fields = fields_of(child, head, f"{where}/{head.name}", found)
            if head.name in made:
                found.append(Finding("SCH-REPEATED", f"{where}/{head.name}", REPEATED, {"name": head.name}))
            else:
                made[head.name] = fields
        elif lines and tag == lines.node.tag:
            rows.append(fields_of(child, lines.node, f"{where}/{lines.node.name}[{len(rows) + 1}]", found))
        else:
            name = tag.rpartition("}")[2]
            found.append(Finding("SCH-UNEXPECTED", f"{where}/{name}", UNEXPECTED, {"name": name}))
    if head.name not in made:
        found.append(Finding("SCH-MISSING", f"{where}/{head.name}", MISSING, {"name": head.name}))
    if lines:
        made[lines.node.name] = tuple(rows)
        _count_lines(lines, len(rows), where, found)
    return made


def _count_lines(lines: spec.Part, count: int, where: str, found: list[Finding]) -> None:
    name = lines.node.name
    values = {"name": name, "count": count, "most": lines.most, "least": lines.least}
    if count > lines.most:
        found.append(Finding("SCH-TOO-MANY", f"{where}/{name}", TOO_MANY, values))
    if count < lines.least:
        found.append(Finding("SCH-MISSING", f"{where}/{name}", TOO_FEW, values))


def fields_of(element: Element, node: spec.Node, where: str, found: list[Finding]) -> dict[str, str]:
    """Read the fields of a node. The usual case, each field in its place and well formed, costs a few comparisons."""
    made: dict[str, str] = {}
    fields = node.fields
    next_place, last = 0, len(fields)
    for child in element:
        tag = child.tag
        while next_place < last and fields[next_place].tag != tag and not fields[next_place].is_required:
            next_place += 1
        if next_place < last and fields[next_place].tag == tag:
            field = fields[next_place]
            next_place += 1
        else:
            if tag.__class__ is not str:
                continue
            known = node.places.get(tag)
            if known is None or known < next_place:
                _misplaced(tag, known, made, where, found)
                if known is None or fields[known].name in made:
                    continue
                field = fields[known]
            else:
                _skipped(fields[next_place:known], where, found)
                field = fields[known]
                next_place = known + 1
        text = child.text or ""
        if len(child):
            found.append(Finding("SCH-NESTED", f"{where}/{field.name}", NESTED, {"name": field.name}))
        if field.sort != "text" or field.collapses or field.is_fixed or not field.least <= len(text) <= field.most:
            wrong = broken(field, text)
            if wrong:
                found.append(_wrong(field, text, wrong, where))
        made[field.name] = text
    if next_place < last:
        _skipped(fields[next_place:], where, found)
    return made


def _wrong(field: spec.Field, text: str, wrong: tuple[str, str], where: str) -> Finding:
    values = {
        "name": field.name,
        "count": len(text),
        "least": field.least,
        "most": 10 if field.most == spec.MANY else field.most,
        "decimals": field.decimals,
        "default": field.default,
    }
    return Finding(wrong[0], f"{where}/{field.name}", wrong[1], values)


def _misplaced(tag: str, known: int | None, made: dict[str, str], where: str, found: list[Finding]) -> None:
    name = tag.rpartition("}")[2]
    if known is None:
        found.append(Finding("SCH-UNEXPECTED", f"{where}/{name}", UNEXPECTED, {"name": name}))
    elif name in made:
        found.append(Finding("SCH-REPEATED", f"{where}/{name}", REPEATED, {"name": name}))
    else:
        found.append(Finding("SCH-ORDER", f"{where}/{name}", ORDER, {"name": name}))


def _skipped(fields: tuple[spec.Field, ...], where: str, found: list[Finding]) -> None:
    needed = [field.name for field in fields if field.is_required]
    found.extend(Finding("SCH-MISSING", f"{where}/{name}", MISSING, {"name": name}) for name in needed)


def _extension(element: Element, found: list[Finding]) -> Extension:
    """Read name, version and Message; the last holds at most one element of any sort and no text."""
    children = [child for child in element if isinstance(child.tag, str)]
    names = [child.tag for child in children]
    where = "ExtendMessage"
    if names != [spec.tag("name"), spec.tag("version"), spec.tag("Message")]:
        found.append(Finding("SCH-UNEXPECTED", where, ORDER, {"name": where}))
        return Extension("", "")
    for child in children[:2]:
        name = child.tag.rpartition("}")[2]
        if len(child) or len(child.text or "") > 30 or not set(child.attrib) <= _HINTS:
            found.append(Finding("SCH-LENGTH", f"{where}/{name}", UNEXPECTED, {"name": name}))
    content = [child for child in children[2] if isinstance(child.tag, str)]
    texts = [children[2].text, *(child.tail for child in content)]
    if len(content) > 1 or any((text or "").strip(" \t\r\n") for text in texts):
        found.append(Finding("SCH-UNEXPECTED", f"{where}/Message", UNEXPECTED, {"name": "Message"}))
    _unknown_attributes(children[2].attrib.keys(), f"{where}/Message", found)
    return Extension(
        children[0].text or "",
        children[1].text or "",
        etree.tostring(content[0], method="c14n", exclusive=True) if content else None,
    )
