"""The structure of an XML signature (W3C XML-Signature, 2002), as far as a customs message may carry it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from wms.customs.messages.findings import Finding
from wms.customs.messages.spec import SIGNATURE_NAMESPACE
from wms.errors import N_

Element = Any
Lax = Callable[[Element], list[Finding]]
BROKEN = N_("The signature is not built as XML-Signature asks for: %(name)s.")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=|[A-Za-z0-9+/][AQgw]==)?")
_NO_BASE64 = re.compile(r"[^A-Za-z0-9+/=]+")
_NCNAME = re.compile(r"[^\W\d][\w.\-]*")
_WHOLE = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True)
class Shape:
    """What an element may hold: children as a pattern over their names (``*`` any of another namespace), or a value."""

    children: str | None = None
    value: str | None = None
    is_mixed: bool = False
    needed: frozenset[str] = field(default_factory=frozenset)
    allowed: frozenset[str] = field(default_factory=frozenset)


def _one(children: str, needed: str = "", allowed: str = "", *, is_mixed: bool = False) -> Shape:
    return Shape(children, None, is_mixed, frozenset(needed.split()), frozenset(allowed.split()))


_CHOICE = "(?:KeyName |KeyValue |RetrievalMethod |X509Data |PGPData |SPKIData |MgmtData |\\* )+"
_DSA = "(?:P Q )?(?:G )?Y (?:J )?(?:Seed PgenCounter )?"
SHAPES: dict[str, Shape] = {
    "Signature": _one("SignedInfo SignatureValue (?:KeyInfo )?", allowed="Id"),
    "SignedInfo": _one("CanonicalizationMethod SignatureMethod (?:Reference )+"),
    "CanonicalizationMethod": _one("", "Algorithm", is_mixed=True),
    "SignatureMethod": _one("", "Algorithm", is_mixed=True),
    "Reference": _one("(?:Transforms )?DigestMethod DigestValue ", allowed="Id URI Type"),
    "Transforms": _one("(?:Transform )+"),
    "Transform": _one("(?:\\* |XPath )*", "Algorithm", is_mixed=True),
    "DigestMethod": _one("", "Algorithm", is_mixed=True),
    "KeyInfo": _one(_CHOICE, is_mixed=True),
    "KeyValue": _one("(?:DSAKeyValue |RSAKeyValue |\\* )", is_mixed=True),
    "RetrievalMethod": _one("(?:Transforms )?", allowed="URI Type"),
    "X509Data": _one("(?:X509IssuerSerial |X509SKI |X509SubjectName |X509Certificate |X509CRL |\\* )+"),
    "X509IssuerSerial": _one("X509IssuerName X509SerialNumber "),
    "PGPData": _one("(?:PGPKeyID (?:PGPKeyPacket )?(?:\\* )*|PGPKeyPacket (?:\\* )*)"),
    "SPKIData": _one("(?:SPKISexp (?:\\* )?)+"),
    "DSAKeyValue": _one(_DSA),
    "RSAKeyValue": _one("Modulus Exponent "),
    **dict.fromkeys(("KeyName", "MgmtData", "XPath", "X509SubjectName", "X509IssuerName"), Shape(value="text")),
    **dict.fromkeys(
        (
            *("DigestValue", "SignatureValue", "X509SKI", "X509Certificate", "X509CRL", "PGPKeyID", "PGPKeyPacket"),
            *("SPKISexp", "P", "Q", "G", "Y", "J", "Seed", "PgenCounter", "Modulus", "Exponent"),
        ),
        Shape(value="base64"),
    ),
    "X509SerialNumber": Shape(value="whole"),
}


def broken_signature(signature: Element, lax: Lax) -> list[Finding]:
    """Return what is wrong with the structure of a ds:Signature; whether it holds is another question.

    ``lax`` looks at an element of another namespace, which must be right only where the schema knows it.
    """
    found: list[str] = []
    others: list[Element] = []
    _walk(signature, found, set(), others)
    said = [Finding("SCH-SIGNATURE", f"Signature/{name}", BROKEN, {"name": name}) for name in found]
    return said + [finding for one in others for finding in lax(one)]


def _walk(element: Element, found: list[str], ids: set[str], others: list[Element]) -> None:
    name = etree.QName(element).localname
    shape = SHAPES[name]
    children = [child for child in element if isinstance(child.tag, str)]
    if not _attributes_hold(element, shape, ids):
        found.append(f"{name} @")
    if shape.value is not None:
        if children or not _value_holds(shape.value, "".join(element.itertext())):
            found.append(name)
        return
    texts = [element.text, *(child.tail for child in element)]
    if not shape.is_mixed and any((text or "").strip(" \t\r\n") for text in texts):
        found.append(name)
    words = "".join(f"{_word(child)} " for child in children)
    if re.fullmatch(shape.children or "", words) is None:
        found.append(f"{name}: {words.strip() or '-'}")
        return
    for child in children:
        if _word(child) == "*":
            others.append(child)
        else:
            _walk(child, found, ids, others)


def _word(child: Element) -> str:
    name = etree.QName(child)
    if name.namespace == SIGNATURE_NAMESPACE:
        return name.localname if name.localname in SHAPES else "?"
    return "*" if name.namespace else "?"


def _attributes_hold(element: Element, shape: Shape, ids: set[str]) -> bool:
    given = {
        name for name in element.attrib if not name.startswith("{http://www.w3.org/2001/XMLSchema-instance}schema")
    }
    if not shape.needed <= given <= shape.needed | shape.allowed:
        return False
    mark = element.get("Id")
    if mark is None:
        return True
    is_new = mark not in ids
    ids.add(mark)
    return is_new and _NCNAME.fullmatch(mark.strip()) is not None


def _value_holds(value: str, text: str) -> bool:
    if value == "base64":  # libxml2, by which schemas are judged, passes over signs that are none of base64
        return _BASE64.fullmatch(_NO_BASE64.sub("", text)) is not None
    return value == "text" or _WHOLE.fullmatch(text.strip(" \t\r\n")) is not None
