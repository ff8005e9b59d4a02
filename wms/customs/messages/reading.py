"""Bytes to an element tree, hardened: no DTD, no entities, no network, limits of size and depth."""

import re
from typing import Any

from lxml import etree

from wms.errors import N_, Kind, WmsError

SIZE_LIMIT_BYTES = 64 * 1024 * 1024
DEPTH_LIMIT = 256  # libxml2 itself stops there
Element = Any  # lxml ships no types
_PROLOG = re.compile(rb"(?:\xef\xbb\xbf)?(?>\s+|<\?.*?\?>|<!--.*?-->)*+<!(?:DOCTYPE|ENTITY)", re.DOTALL)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")
_PARSER_OPTIONS: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "huge_tree": False,
}


class Unreadable(WmsError):
    """The bytes are no message at all."""

    code = "message_unreadable"
    kind = Kind.INVALID
    text = N_("This is no readable XML: %(reason)s (line %(line)s).")


class MessageEmpty(Unreadable):
    code = "message_empty"
    text = N_("The file is empty.")


class MessageTooLarge(Unreadable):
    code = "message_too_large"
    text = N_("The message has %(bytes)s bytes; at most %(limit)s are read.")


class MessageTooDeep(Unreadable):
    code = "message_too_deep"
    text = N_("Elements are nested deeper than %(limit)s levels.")


class HasDtd(Unreadable):
    code = "message_has_dtd"
    text = N_("A message may not bring a document type or entities (DOCTYPE).")


class WrongEncoding(Unreadable):
    code = "message_encoding"
    text = N_("The bytes are not in the encoding that the message names (%(encoding)s).")


class UnknownEncoding(Unreadable):
    code = "message_encoding_unknown"
    text = N_("The message names an encoding that is not known: %(encoding)s.")


class UndeclaredPrefix(Unreadable):
    code = "message_prefix"
    text = N_("A prefix is used without its namespace (line %(line)s).")


def parse(data: bytes, *, keeps_all: bool = False, limit_bytes: int = SIZE_LIMIT_BYTES) -> Element:
    """Return the root element. Comments and processing instructions are dropped unless ``keeps_all``.

    Raises a subclass of :class:`Unreadable` that names the reason.
    """
    if len(data) > limit_bytes:
        raise MessageTooLarge(bytes=len(data), limit=limit_bytes)
    if not data.strip(b"\xef\xbb\xbf \t\r\n"):
        raise MessageEmpty
    if _PROLOG.match(_narrow(data)):
        raise HasDtd
    parser = etree.XMLParser(remove_comments=not keeps_all, remove_pis=not keeps_all, **_PARSER_OPTIONS)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise _why(data, error) from None
    except ValueError as error:
        raise Unreadable(reason=str(error), line=1) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise HasDtd
    return root


def declared_encoding(data: bytes) -> str:
    """Return the encoding that the message names in its first line; UTF-8 when it names none."""
    narrow = _narrow(data[:400])
    found = _DECLARED.match(narrow.removeprefix(b"\xef\xbb\xbf"))
    if found:
        return found[1].decode().upper()
    return "UTF-16" if _is_wide(data) else "UTF-8"


def _narrow(data: bytes) -> bytes:
    """Return the beginning of a message in two-byte signs as one-byte ones, so that its prolog can be looked at."""
    return data.replace(b"\x00", b"").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff") if _is_wide(data) else data


def _is_wide(data: bytes) -> bool:
    return data.startswith(_WIDE)


def _why(data: bytes, error: etree.XMLSyntaxError) -> Unreadable:
    said, line = str(error.msg or error), error.lineno or 1
    lowered = said.lower()
    if "depth" in lowered:
        return MessageTooDeep(limit=DEPTH_LIMIT)
    if "unsupported encoding" in lowered:
        return UnknownEncoding(encoding=declared_encoding(data))
    if "encoding" in lowered or "not proper utf-8" in lowered or "invalid bytes" in lowered or "conversion" in lowered:
        return WrongEncoding(encoding=declared_encoding(data))
    if "namespace prefix" in lowered or "namespace error" in lowered:
        return UndeclaredPrefix(line=line)
    if "entit" in lowered or "doctype" in lowered or "dtd" in lowered:
        return HasDtd()
    return Unreadable(reason=said, line=line)
