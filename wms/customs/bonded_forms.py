"""INV101 and SAS121 as the zone enterprise sends them, and the fields of what comes back.

The bonded set has no public schema: the nodes and names are those of public examples (customs reference, 1.3 to 1.5),
the misspellings ``DelcareFlag`` and ``BussinessData`` are customs' own.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from defusedxml import ElementTree

from wms.customs.clock import BEIJING

Fields = Mapping[str, str]
KG_IN_G = 1_000


def kilograms(grams: int) -> str:
    """Grams as customs writes weights: kilograms, exact, without an exponent."""
    text = f"{Decimal(grams) / KG_IN_G:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def verification_list(head: Fields, lines: Sequence[Fields], at: datetime) -> bytes:
    """INV101 of one list."""
    body = _node("InvtHeadType", head) + "".join(_node("InvtListType", line) for line in lines)
    return _package("INV101", f"<InvtMessage><SysId>Z7</SysId>{body}</InvtMessage>", head["etpsInnerInvtNo"], at)


def gate_pass(head: Fields, lines: Sequence[Fields], documents: Sequence[Fields], at: datetime) -> bytes:
    """SAS121 of one pass with the documents behind it."""
    body = _node("PassportHead", head) + "".join(_node("PassportList", line) for line in lines)
    body += "".join(_node("PassportAcmp", document) for document in documents)
    return _package("SAS121", f"<PassPortMessage>{body}</PassPortMessage>", head["etpsPreentNo"], at)


def passage(head: Fields, at: datetime) -> bytes:
    """SAS223 as our gate reports a vehicle that went through: in customs' own form."""
    return _package("SAS223", f"<SAS223>{_node('SasPassportBsc', head)}</SAS223>", head["passportNo"], at, bare=True)


def _package(kind: str, inner: str, number: str, at: datetime, *, bare: bool = False) -> bytes:
    local = at.astimezone(BEIJING)
    envelope = _node(
        "EnvelopInfo",
        {"version": "1.0", "message_id": f"{kind}-{number}-{local:%Y%m%d%H%M%S}", "message_type": kind,
         "send_time": f"{local:%Y-%m-%dT%H:%M:%S}"},
    )  # fmt: skip
    flag = "" if bare else "<DelcareFlag>1</DelcareFlag>"
    package = f"<Package>{envelope}<DataInfo><BussinessData>{flag}{inner}</BussinessData></DataInfo></Package>"
    whole = package if bare else f"<Signature><Object>{package}</Object></Signature>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{whole}\n'.encode()


def _node(name: str, fields: Fields) -> str:
    return f"<{name}>{''.join(_field(*pair) for pair in fields.items())}</{name}>"


def _field(name: str, value: str) -> str:
    return f"<{name}>{escape(value)}</{name}>"


def fields_of(raw: bytes, *nodes: str) -> dict[str, str]:
    """Return the fields of the named nodes of an answer, as text; a status form is its own only node."""
    root: Element = ElementTree.fromstring(raw, forbid_dtd=True)
    wanted = [node for node in root.iter() if _local(node) in nodes]
    return dict(_texts(wanted))


def _texts(nodes: Iterable[Element]) -> Iterable[tuple[str, str]]:
    return ((_local(leaf), (leaf.text or "").strip()) for node in nodes for leaf in node if len(leaf) == 0)


def _local(node: Element) -> str:
    return str(node.tag).rpartition("}")[2]
