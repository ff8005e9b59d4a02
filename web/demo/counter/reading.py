"""A message as the counter reads it: by the names of its elements, whatever prefix or wrapper they came in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

BONDED = {"invtmessage": "INV101", "passportmessage": "SAS121"}


class Unreadable(Exception):
    """The bytes are no message; the text says why."""


@dataclass(frozen=True)
class Document:
    """One document of a message: its head and its lines, as text by the names of the elements."""

    head: Mapping[str, str]
    lines: tuple[Mapping[str, str], ...] = ()

    def of(self, name: str) -> str:
        """Return a field of the head; empty when it is absent."""
        return self.head.get(name, "")


@dataclass(frozen=True)
class Paper:
    """A whole message: ``kind`` is CEB311 or INV101, ``signed`` tells whether a signature stands in it."""

    kind: str
    documents: tuple[Document, ...]
    signed: bool = False
    flags: Mapping[str, str] = field(default_factory=dict)


def read(raw: bytes) -> Paper:
    """Return the message in ``raw``. Raises :class:`Unreadable`; entities and document types are refused."""
    try:
        root: Element = ElementTree.fromstring(raw, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as fault:
        raise Unreadable(f"{type(fault).__name__}: {fault}"[:300]) from None
    name = local(root)
    if name.startswith("CEB") and name.endswith("Message"):
        return _retail(name.removesuffix("Message"), root)
    return _bonded(root)


def local(node: Element) -> str:
    """The name of an element without its namespace."""
    return str(node.tag).rpartition("}")[2]


def _fields(node: Element, *, lowered: bool = False) -> dict[str, str]:
    pairs = ((local(child), (child.text or "").strip()) for child in node if len(child) == 0)
    return {name.lower() if lowered else name: value for name, value in pairs if value}


def _retail(kind: str, root: Element) -> Paper:
    found = [part for node in root if (part := _document(node)) is not None]
    if not found:
        raise Unreadable(f"{kind} holds no document")
    return Paper(kind, tuple(found), signed=any(local(node) == "Signature" for node in root))


def _document(node: Element) -> Document | None:
    flat = _fields(node)
    if "guid" in flat:
        return Document(flat)
    heads = [child for child in node if "guid" in _fields(child)]
    if not heads:
        return None
    lines = tuple(_fields(child) for child in node if child is not heads[0] and len(child))
    return Document(_fields(heads[0]), lines)


def _bonded(root: Element) -> Paper:
    passage = next((node for node in root.iter() if local(node) == "SAS223"), None)
    if passage is not None:  # the site's own gate reports a vehicle in customs' own form
        heads = [_fields(node, lowered=True) for node in passage if local(node) == "SasPassportBsc"]
        return Paper("SAS223", tuple(Document(head) for head in heads))
    message = next((node for node in root.iter() if local(node).lower() in BONDED), None)
    if message is None:
        raise Unreadable(f"{local(root)} is no message that this counter knows")
    nodes: list[Any] = [_fields(node, lowered=True) for node in message if len(node)]
    key = "etpsinnerinvtno" if local(message).lower() == "invtmessage" else "etpspreentno"
    heads = [node for node in nodes if key in node]
    if len(heads) != 1:
        raise Unreadable(f"{local(message)} needs exactly one head")
    lines = tuple(node for node in nodes if "gdsseqno" in node or "passportseqno" in node)
    flags = {local(node).lower(): (node.text or "").strip() for node in root.iter() if local(node) == "DelcareFlag"}
    return Paper(BONDED[local(message).lower()], (Document(heads[0], lines),), flags=flags)
