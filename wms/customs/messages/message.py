"""What a message says, frozen: documents as dicts and tuples of text, exactly as written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wms.customs.messages import spec

Fields = Mapping[str, str]
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Extension:
    """The part that parties may fill as they like; ``content`` is one XML element, or None when it is empty."""

    name: str
    version: str
    content: bytes | None = None


@dataclass(frozen=True)
class Message:
    """One CEB message.

    ``type`` is "CEB311" and the like. A document is a dict of its fields, or, where the message nests them, of its head
    and the tuple of its lines: ``{"OrderHead": {…}, "OrderList": ({…}, …)}``. An empty element is ``""``, an absent one
    has no key. ``signature`` is the ds:Signature element as canonical XML; it holds only for the bytes that it came in.
    """

    type: str
    guid: str
    documents: tuple[Document, ...]
    version: str = "1.0"
    transfer: Fields | None = None
    subscribes: tuple[Fields, ...] = ()
    extension: Extension | None = None
    signature: bytes | None = field(default=None, repr=False)


def head_of(message: Message, document: Document) -> Fields:
    """Return the fields of a document's head; of a flat document, all."""
    kind = spec.kind(message.type)
    found: Fields = document.get(kind.head.node.name, {}) if kind.is_nested else document
    return found


def lines_of(message: Message, document: Document) -> tuple[Fields, ...]:
    """Return the lines of a document, none where it has none."""
    kind = spec.kind(message.type)
    return tuple(document.get(kind.lines.node.name, ())) if kind.lines else ()
