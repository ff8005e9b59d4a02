"""What post office and transport need to know of a message: its kind, the numbers it goes by, the verdict it brings.

No more than that: it is enough to hand a message to whom it concerns and to match an answer with what was sent. Bytes
that cannot be read have an outline too: an empty one.
"""

from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from wms.customs.messages import bonded
from wms.customs.messages.bonded import STATUS_FORM

UNREADABLE = "unreadable"

# By these names a document is known in the messages about it; an invtNo or bondInvtNo is learned from an answer. Those
# of the bonded set stand in its description.
NUMBERS = frozenset({"guid", "invtNo", "sumNo", "oriCopMsgId"}) | bonded.numbers()
VERDICTS = ("returnStatus", *bonded.verdicts(), "status", "decState")


@dataclass(frozen=True)
class Part:
    """One document of a message: the numbers it goes by and its verdict (empty when it brings none)."""

    numbers: frozenset[str]
    verdict: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Outline:
    """A message as the transport sees it."""

    kind: str
    parts: tuple[Part, ...] = ()


def outline(raw: bytes) -> Outline:
    """Return the outline of a message; never raises for what stands in it."""
    try:
        root: Element = ElementTree.fromstring(raw, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return Outline(UNREADABLE)
    name = _local(root)
    if name.startswith("CEB") and name.endswith("Message"):
        parts = [_part(node) for node in root if _local(node) not in ("BaseTransfer", "BaseSubscribe", "Signature")]
        return Outline(name.removesuffix("Message"), tuple(part for part in parts if part.numbers))
    if name == STATUS_FORM:
        return Outline(name, (_part(root),))
    for node in root.iter():
        kind = bonded.containers().get(_local(node))
        if kind is not None:
            return Outline(kind, (_part(node),))
    return Outline(UNREADABLE)


def _part(node: Element) -> Part:
    found = {(_local(leaf), (leaf.text or "").strip()) for leaf in node.iter() if len(leaf) == 0}
    numbers = frozenset(text for name, text in found if name in NUMBERS and text)
    values = dict(sorted(found))
    verdict = next((values[name] for name in VERDICTS if values.get(name)), "")
    reason = next(
        (values[name] for name in ("returnInfo", "note", "CheckInfo", "reason", "rmk") if values.get(name)), ""
    )
    return Part(numbers, _with_state(verdict, values), reason)


def _with_state(verdict: str, values: dict[str, str]) -> str:
    """A pass that was voided and a list that was deleted say so beside their verdict."""
    state = {"6": "void", "5": "deleted"}.get(values.get("stucd", "")) or {"3": "deleted"}.get(
        values.get("invtStucd", "")
    )
    return f"{verdict}/{state}" if state else verdict


def _local(node: Element) -> str:
    return str(node.tag).rpartition("}")[2]
