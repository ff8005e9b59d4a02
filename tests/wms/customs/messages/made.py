"""Messages made up from our own description: every field by its sort and length, synthetic throughout."""

import random
from typing import Any

from wms.customs.messages import Extension, Message, spec

GUID = "00000000-0000-4000-8000-00000000000A"
SIGNATURE = (
    b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>'
    b'<ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"></ds:CanonicalizationMethod>'
    b'<ds:SignatureMethod Algorithm="http://www.w3.org/2000/09/xmldsig#rsa-sha1"></ds:SignatureMethod>'
    b'<ds:Reference URI=""><ds:Transforms>'
    b'<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></ds:Transform></ds:Transforms>'
    b'<ds:DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"></ds:DigestMethod>'
    b"<ds:DigestValue>AAAAAAAAAAAAAAAAAAAAAAAAAAA=</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    b"<ds:SignatureValue>AAAA</ds:SignatureValue><ds:KeyInfo><ds:KeyName>0001</ds:KeyName>"
    b"<ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"
)
SIGNS = "0123456789ABCXYZ货物洞庭 -/"


def value(field: spec.Field, chance: random.Random) -> str:
    """A value that the field allows, at its limits more often than not."""
    if field.default is not None and chance.random() < 0.2:
        return ""
    if field.is_fixed and field.default:
        return field.default
    if field.sort == "whole":
        most = 9 if field.most == spec.MANY else field.most
        return str(chance.choice((1, 10**most - 1, chance.randrange(10**most))))
    if field.sort == "decimal":
        whole = chance.choice((0, 1, 12345678912345, chance.randrange(10**6)))
        places = chance.choice(("", ".5", ".00001", ".12345"))
        return f"{whole}{places[: field.decimals + 1]}"
    most = min(field.most, 40) if chance.random() < 0.9 else min(field.most, 1000)
    length = most if chance.random() < 0.3 else chance.randint(min(field.least, most), most)
    text = "".join(chance.choice(SIGNS) for _ in range(max(length, field.least)))
    return "X" * len(text) if field.collapses else text


def fields(node: spec.Node, chance: random.Random, share: float = 0.5) -> dict[str, str]:
    """Values of the fields that are needed, and of a share of the others."""
    return {field.name: value(field, chance) for field in node.fields if field.is_required or chance.random() < share}


def document(kind: spec.Kind, chance: random.Random, lines: int, share: float = 0.5) -> dict[str, Any]:
    if not kind.is_nested:
        return fields(kind.head.node, chance, share)
    made: dict[str, Any] = {kind.head.node.name: fields(kind.head.node, chance, share)}
    if kind.lines:
        made[kind.lines.node.name] = tuple(fields(kind.lines.node, chance, share) for _ in range(lines))
    return made


def message(
    kind: spec.Kind, chance: random.Random, *, documents: int = 1, lines: int = 2, share: float = 0.5
) -> Message:
    """A message that our description allows; ``share`` of its optional fields stand."""
    described = spec.description()
    has_tail = bool(kind.tail)
    return Message(
        type=kind.type,
        guid=GUID,
        documents=tuple(document(kind, chance, lines, share) for _ in range(min(documents, kind.most))),
        transfer=fields(described.transfer[kind.direction], chance, share) if has_tail else None,
        subscribes=tuple(
            fields(described.subscribe[kind.direction], chance) for _ in range(chance.randrange(3) if has_tail else 0)
        ),
        extension=Extension("n", "1", chance.choice((None, b'<x xmlns="urn:x"></x>')))
        if has_tail and chance.random() < 0.3
        else None,
        signature=SIGNATURE if kind.signature == "!" or (kind.signature and chance.random() < 0.5) else None,
    )
