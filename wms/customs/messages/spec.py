"""Our own description of every CEB message: nodes, fields, lengths, decimals, order and occurrence, per direction.

It stands in data/ceb-EDITION.json with its edition and date, and says what customs' schema says: schema_valid in
:mod:`wms.customs.messages.checking` is its verdict. The order of the tail differs between import and export.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

EDITION = "202205"
NAMESPACE = "http://www.chinaport.gov.cn/ceb"
SIGNATURE_NAMESPACE = "http://www.w3.org/2000/09/xmldsig#"
MANY = 2**31
INT_MOST = 2**31 - 1
_FIELD = re.compile(r"(\w+) ([^\s~?=:]+)(~)?(\?)?(?:([=:])(.*))?$")
_TEXT = re.compile(r"C(?:(\d*)\.\.)?(\d+)$")
_NUMBER = re.compile(r"N(\d+)(?:,(\d+))?$")
_PART = re.compile(r"(\w+)(?:\{(\d+),(\d+|\*)\})?(?:\(([^)]*)\))?")


@dataclass(frozen=True)
class Field:
    """One field. ``sort`` is text, decimal, whole or any; ``most`` counts signs of a text, digits of a number.

    ``default`` stands for an empty element; of a fixed field it is the only value.
    """

    name: str
    tag: str
    sort: str
    least: int = 0
    most: int = MANY
    decimals: int = 0
    is_required: bool = True
    collapses: bool = False
    default: str | None = None
    is_fixed: bool = False


@dataclass(frozen=True)
class Node:
    """Fields in the order in which they must stand."""

    name: str
    tag: str
    fields: tuple[Field, ...]
    places: Mapping[str, int] = field(repr=False)


@dataclass(frozen=True)
class Part:
    """A node and how often it stands."""

    node: Node
    least: int = 1
    most: int = 1


@dataclass(frozen=True)
class Kind:
    """A message. A nested one wraps head and lines of each document in an element ``document``."""

    type: str
    root: str
    direction: str
    document: str
    document_tag: str
    most: int
    head: Part
    lines: Part | None
    is_nested: bool
    tail: tuple[str, ...]
    signature: str

    @property
    def is_receipt(self) -> bool:
        """Whether customs sends it: it has neither transfer nor signature."""
        return not self.tail


@dataclass(frozen=True)
class Description:
    """An edition of the description with the day from which it holds."""

    edition: str
    valid_from_on: date
    kinds: Mapping[str, Kind]
    transfer: Mapping[str, Node]
    subscribe: Mapping[str, Node]
    nodes: Mapping[str, Mapping[str, Node]]


@cache
def description(edition: str = EDITION) -> Description:
    """Return the description of an edition."""
    path = resources.files("wms.customs.messages").joinpath(f"data/ceb-{edition}.json")
    raw = json.loads(path.read_text(encoding="utf-8"))
    kinds: dict[str, Kind] = {}
    nodes = {side: {name: node_of(name, fields) for name, fields in raw[side]["nodes"].items()} for side in _SIDES}
    for side in _SIDES:
        tail = tuple(re.sub(r"\{.*\}", "", word) for word in raw[side]["tail"].split())
        for number, said in raw[side]["messages"].items():
            kinds[f"CEB{number}"] = _kind(f"CEB{number}", side, said, nodes[side], tail)
    return Description(
        raw["edition"],
        date.fromisoformat(raw["valid_from"]),
        kinds,
        {side: nodes[side]["BaseTransfer"] for side in _SIDES},
        {side: nodes[side]["BaseSubscribe"] for side in _SIDES},
        nodes,
    )


_SIDES = ("import", "export")


@cache
def kinds() -> Mapping[str, Kind]:
    """Return every message of the edition in use, by its type."""
    return description().kinds


def kind(message_type: str) -> Kind:
    """Return what is known of "CEB311" and the like; raises KeyError for a type there is not."""
    return kinds()[message_type]


def tag(name: str) -> str:
    """Return a name in customs' namespace as lxml writes it."""
    return f"{{{NAMESPACE}}}{name}"


SIGNATURE_TAG = f"{{{SIGNATURE_NAMESPACE}}}Signature"


def _kind(message_type: str, side: str, said: dict[str, str], nodes: dict[str, Node], tail: tuple[str, ...]) -> Kind:
    found = _PART.fullmatch(said["content"])
    assert found is not None, said["content"]
    name, most, inner = found[1], _most(found[3]), found[4]
    parts = parts_of(inner, nodes) if inner else [Part(nodes[name])]
    return Kind(
        type=message_type,
        root=tag(f"{message_type}Message"),
        direction=side,
        document=name,
        document_tag=tag(name),
        most=most,
        head=parts[0],
        lines=parts[1] if len(parts) > 1 else None,
        is_nested=bool(inner),
        tail=tail if said["signature"] else (),
        signature=said["signature"],
    )


def parts_of(text: str, nodes: Mapping[str, Node]) -> list[Part]:
    """Return the parts that a text such as ``OrderHead OrderList{1,99}`` names."""
    return [_part(one, nodes) for one in text.split()]


def _part(text: str, nodes: Mapping[str, Node]) -> Part:
    found = _PART.fullmatch(text)
    assert found is not None, text
    return Part(nodes[found[1]], int(found[2] or 1), _most(found[3]))


def _most(text: str | None) -> int:
    return 1 if text is None else MANY if text == "*" else int(text)


def node_of(name: str, fields: list[str]) -> Node:
    """Return a node from its fields in our notation."""
    made = tuple(_field(text) for text in fields)
    return Node(name, tag(name), made, {one.tag: place for place, one in enumerate(made)})


def _field(text: str) -> Field:
    found = _FIELD.fullmatch(text)
    assert found is not None, text
    name, sort, collapses, optional, how, default = found.groups()
    common: dict[str, Any] = {
        "name": name,
        "tag": tag(name),
        "is_required": not optional,
        "collapses": bool(collapses),
        "default": default,
        "is_fixed": how == ":",
    }
    if sort == "int":
        return Field(sort="whole", most=MANY, **common)
    if number := _NUMBER.fullmatch(sort):
        if number[2]:
            return Field(sort="decimal", most=int(number[1]), decimals=int(number[2]), **common)
        return Field(sort="whole", most=int(number[1]), **common)
    if said := _TEXT.fullmatch(sort):
        most = int(said[2])
        least = most if said[1] is None else int(said[1] or 0)
        return Field(sort="text", least=least, most=most, **common)
    return Field(sort="any" if sort == "XMLElement" else "text", **common)
