"""Mistakes put into a message, one or two at a time, as a tree."""

import copy
import random
from collections.abc import Callable
from typing import Any

from lxml import etree

from wms.customs.messages import spec

Element = Any
CEB = f"{{{spec.NAMESPACE}}}"
ODD = (
    "", " ", "  x  ", "\t", "\n1\n", "0", "00000000000005",
    "-0", "+5", "-5", ".5", "5.", ".", "1e3", "NaN", "INF", "1,5",
    "1.500000", "1.123456", "1.00000000", "12345678901234.12345", "123456789012345.12345", "1234567890123456789",
    "12345678901234567890", "2147483647", "2147483648", "-2147483648", "-2147483649", "999999999", "1000000000",
    "99999", "100000", " 7 ", "1 2", "１２", "é", "货", "\u3000", "\u00a0",
    "1" * 30, "9" * 80, "0x1F", "true", "%%%", "AAAA", "AAA=",
    "A===", "AAB=", "AA==", "AB==", "12345.678901", "0.000001", "000000000000000000000000001.5", "&", "<", "]]>",
)  # fmt: skip


def anywhere(root: Element, chance: random.Random) -> Element:
    return chance.choice([one for one in root.iter() if isinstance(one.tag, str)])


def inner(root: Element, chance: random.Random) -> Element:
    found = [one for one in root.iterdescendants() if isinstance(one.tag, str)]
    return chance.choice(found) if found else root


def leaf(root: Element, chance: random.Random) -> Element:
    found = [one for one in root.iter() if isinstance(one.tag, str) and not len(one)]
    return chance.choice(found) if found else root


def missing(root: Element, chance: random.Random) -> None:
    one = inner(root, chance)
    if one is not root:
        one.getparent().remove(one)


def duplicated(root: Element, chance: random.Random) -> None:
    one = inner(root, chance)
    if one is not root:
        one.addnext(copy.deepcopy(one))


def swapped(root: Element, chance: random.Random) -> None:
    one = inner(root, chance)
    if (following := one.getnext()) is not None:
        following.addnext(one)


def moved(root: Element, chance: random.Random) -> None:
    one = inner(root, chance)
    place = anywhere(root, chance)
    if one is not root and place not in set(one.iter()):
        place.append(one)


def renamed(root: Element, chance: random.Random) -> None:
    one = inner(root, chance)
    names = ("guid", "note", "Order", "OrderHead", "BaseTransfer", "qty", "ExtendMessage", "buyerIdNumbre", "GUID")
    one.tag = CEB + chance.choice(names)


def odd_value(root: Element, chance: random.Random) -> None:
    leaf(root, chance).text = chance.choice(ODD)


def odd_number(root: Element, chance: random.Random) -> None:
    """An odd value where a number is due, since most fields are texts."""
    kind = spec.kinds().get(etree.QName(root).localname[:6], spec.kind("CEB311"))
    nodes = [kind.head.node] + ([kind.lines.node] if kind.lines else [])
    names = {field.tag for node in nodes for field in node.fields if field.sort != "text"}
    found = [one for one in root.iter() if one.tag in names]
    if found:
        chance.choice(found).text = chance.choice(ODD)


def longer(root: Element, chance: random.Random) -> None:
    one = leaf(root, chance)
    one.text = chance.choice(("x", "货", " ")) * chance.choice(
        (1, 3, 4, 8, 14, 17, 18, 19, 30, 31, 36, 37, 60, 61, 100, 101, 1001)
    )


def padded(root: Element, chance: random.Random) -> None:
    one = leaf(root, chance)
    one.text = chance.choice((" ", "\n", "\t ")) + (one.text or "") + chance.choice(("", " ", "  "))


def wrong_root(root: Element, chance: random.Random) -> None:
    root.tag = CEB + chance.choice(
        ("CEB214", "CEB999Message", "CEB311message", "CEB312Message", "CEB603Message", "Order")
    )


def bad_namespace(root: Element, chance: random.Random) -> None:
    one = chance.choice((root, inner(root, chance)))
    name = etree.QName(one).localname
    one.tag = chance.choice((name, f"{{http://www.chinaport.gov.cn/CEB}}{name}", f"{{urn:other}}{name}"))


def attribute(root: Element, chance: random.Random) -> None:
    one = chance.choice((root, inner(root, chance)))
    xsi = "{http://www.w3.org/2001/XMLSchema-instance}"
    name, text = chance.choice(
        (
            ("id", "1"),
            (xsi + "schemaLocation", "urn:a urn:b"),
            (xsi + "nil", "true"),
            (xsi + "nil", "false"),
            ("guid", "x"),
            ("Id", "a1"),
            ("URI", ""),
        )
    )
    one.set(name, text)


def no_attribute(root: Element, chance: random.Random) -> None:
    one = chance.choice((root, anywhere(root, chance)))
    if one.attrib:
        del one.attrib[chance.choice(list(one.attrib))]


def root_attribute(root: Element, chance: random.Random) -> None:
    root.set(
        chance.choice(("guid", "version")),
        chance.choice(("", "1.0", "x" * 10, "x" * 11, "x" * 35, "x" * 36, "x" * 37, "货" * 36)),
    )


def remark(root: Element, chance: random.Random) -> None:
    one = anywhere(root, chance)
    made = chance.choice((etree.Comment("remark"), etree.ProcessingInstruction("pi", "x")))
    made.tail = chance.choice((None, "1", " "))
    one.insert(chance.randrange(len(one) + 1), made)


def stray_text(root: Element, chance: random.Random) -> None:
    one = inner(root, chance)
    if one is not root:
        one.tail = chance.choice((" ", "\n\t", "x", "0", "\u00a0"))


def nested(root: Element, chance: random.Random) -> None:
    etree.SubElement(leaf(root, chance), CEB + "note").text = "x"


def many(root: Element, chance: random.Random) -> None:
    """One too many or just as many as allowed: documents or lines."""
    kind = spec.kinds().get(etree.QName(root).localname[:6], spec.kind("CEB311"))
    count = chance.choice((98, 99, 100))
    found = (
        list(root.iter(kind.document_tag))
        if not kind.lines or chance.random() < 0.4
        else list(root.iter(kind.lines.node.tag))
    )
    if found:
        for _ in range(count):
            found[0].addnext(copy.deepcopy(found[0]))


def foreign(root: Element, chance: random.Random) -> None:
    """A part of the tail once more or at another place: subscription, extension, transfer."""
    made = etree.Element(CEB + chance.choice(("BaseSubscribe", "ExtendMessage", "BaseTransfer")))
    for name, text in chance.choice(
        (
            (("status", "1"), ("dxpMode", "DXP"), ("dxpAddress", "a")),
            (("name", "n"), ("version", "1"), ("Message", None)),
            (("copCode", "1"), ("copName", "n"), ("dxpMode", "DXP"), ("dxpId", "1")),
        )
    ):
        etree.SubElement(made, CEB + name).text = text
    if chance.random() < 0.3:
        etree.SubElement(made[-1], chance.choice(("x", CEB + "x"))).text = "y"
    for _ in range(chance.choice((1, 1, 2, 6))):
        root.insert(chance.choice((len(root), len(root) - 1, chance.randrange(len(root) + 1))), copy.deepcopy(made))


MISTAKES: tuple[Callable[[Element, random.Random], None], ...] = (
    missing, missing, duplicated, swapped, moved, renamed, odd_value, odd_value, odd_number, odd_number, longer, longer,
    padded, wrong_root, bad_namespace, attribute, no_attribute, root_attribute, remark, stray_text, nested, foreign,
)  # fmt: skip


def mutate(root: Element, chance: random.Random) -> str:
    """Put one mistake in, now and then two; return their names."""
    names = []
    for _ in range(1 if chance.random() < 0.8 else 2):
        mistake = many if chance.random() < 0.01 else chance.choice(MISTAKES)
        mistake(root, chance)
        names.append(mistake.__name__)
    return " ".join(names)
