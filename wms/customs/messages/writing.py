"""A message to bytes: elements in the order of its direction, official misspellings included, canonical XML.

Canonical is Canonical XML 1.0 without comments (http://www.w3.org/TR/2001/REC-xml-c14n-20010315), in UTF-8. A signature
does not survive a new layout: sign what :func:`write` gives.
"""

import re
from collections.abc import Iterator, Mapping

from lxml import etree

from wms.customs.messages import spec
from wms.customs.messages.message import Document, Extension, Message
from wms.customs.messages.reading import parse
from wms.customs.messages.shape import NotSchemaValid, look
from wms.errors import N_, Kind, WmsError

# What XML 1.0 has no way to write: control signs, lone surrogates, and two code points of the last row of a plane.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class CannotBeWritten(WmsError):
    """A field holds a sign for which XML has no way of writing."""

    code = "message_cannot_be_written"
    kind = Kind.INVALID
    text = N_("%(name)s holds a control sign that no message can carry.")


class UnknownField(WmsError):
    """The description has no such field; it would be lost."""

    code = "message_unknown_field"
    kind = Kind.INVALID
    text = N_("%(message_type)s has no field %(name)s.")


def write(message: Message) -> bytes:
    """Return the message as canonical XML. Raises NotSchemaValid, CannotBeWritten or UnknownField."""
    data = compose(message)
    _read, findings = look(parse(data))
    if findings:
        raise NotSchemaValid(tuple(findings))
    return data


def compose(message: Message) -> bytes:
    """As :func:`write`, without looking whether the schema allows it."""
    kind = spec.kind(message.type)
    root = f"ceb:{message.type}Message"
    guid, version = _attribute("guid", message.guid), _attribute("version", message.version)
    parts = [f'<{root} xmlns:ceb="{spec.NAMESPACE}" guid="{guid}" version="{version}">']
    for document in message.documents:
        parts.extend(_document(kind, document))
    parts.extend(_tail(kind, message))
    parts.append(f"</{root}>")
    data = "".join(parts).encode()
    if message.signature is None and message.extension is None:
        return data
    canonical: bytes = etree.tostring(parse(data, keeps_all=True), method="c14n", with_comments=False)
    return canonical


def _document(kind: spec.Kind, document: Document) -> Iterator[str]:
    if not kind.is_nested:
        yield from _node(kind, kind.head.node, document)
        return
    known = {kind.head.node.name} | ({kind.lines.node.name} if kind.lines else set())
    for name in document:
        if name not in known:
            raise UnknownField(field=name, message_type=kind.type, name=name)
    yield f"<ceb:{kind.document}>"
    if kind.head.node.name in document:
        yield from _node(kind, kind.head.node, document[kind.head.node.name])
    if kind.lines:
        for line in document.get(kind.lines.node.name, ()):
            yield from _node(kind, kind.lines.node, line)
    yield f"</ceb:{kind.document}>"


def _node(kind: spec.Kind, node: spec.Node, fields: Mapping[str, str]) -> Iterator[str]:
    known = {field.name for field in node.fields}
    for name in fields:
        if name not in known:
            raise UnknownField(field=name, message_type=kind.type, name=name)
    yield f"<ceb:{node.name}>"
    for field in node.fields:
        if (value := fields.get(field.name)) is not None:
            yield f"<ceb:{field.name}>{text_of(field.name, value)}</ceb:{field.name}>"
    yield f"</ceb:{node.name}>"


def _tail(kind: spec.Kind, message: Message) -> Iterator[str]:
    described = spec.description()
    for name in kind.tail:
        if name == "BaseTransfer" and message.transfer is not None:
            yield from _node(kind, described.transfer[kind.direction], message.transfer)
        elif name == "BaseSubscribe":
            for one in message.subscribes:
                yield from _node(kind, described.subscribe[kind.direction], one)
        elif name == "ExtendMessage" and message.extension is not None:
            yield _extension(message.extension)
        elif name == "Signature" and message.signature is not None:
            yield message.signature.decode()


def _extension(said: Extension) -> str:
    content = said.content.decode() if said.content else ""
    return (
        f"<ceb:ExtendMessage><ceb:name>{text_of('name', said.name)}</ceb:name>"
        f"<ceb:version>{text_of('version', said.version)}</ceb:version>"
        f"<ceb:Message>{content}</ceb:Message></ceb:ExtendMessage>"
    )


def text_of(name: str, value: str) -> str:
    if _FORBIDDEN.search(value):
        raise CannotBeWritten(field=name, name=name)
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")


def _attribute(name: str, value: str) -> str:
    escaped = text_of(name, value).replace("&gt;", ">").replace('"', "&quot;")
    return escaped.replace("\t", "&#x9;").replace("\n", "&#xA;")
