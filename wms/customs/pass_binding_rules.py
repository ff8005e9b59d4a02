"""What binds a gate pass to its documents (bindTypecd, passportTypecd), without a database (customs reference, 1.5).

Which directions and documents a pass type allows, and which bindings put a whole document on one vehicle, is dated
data (``customs.gate_pass``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wms.customs.gate_pass_rules import BadPass, NewPass, PassLine
from wms.errors import N_, Kind, WmsError

MANY_DOCUMENTS, WHOLE_DOCUMENT, MANY_VEHICLES = "1", "2", "3"  # 一车多票, 一票一车, 一票多车


class PassTypeForbids(WmsError):
    """The type of the pass does not serve this direction or this kind of document."""

    code = "pass_type_forbids"
    kind = Kind.INVALID
    text = N_("A gate pass of type %(pass_type)s is not for this: %(rule)s")


class NotWholeDocument(WmsError):
    """One document on one vehicle: the vehicle takes all of it."""

    code = "not_whole_document"
    text = N_(
        "Binding %(bind_type)s puts the whole of %(document)s on one vehicle: line %(line_no)s declares %(declared)s,"
        " the pass names %(named)s. Several vehicles for one document are binding 3."
    )


class GoodsNotOfDocument(WmsError):
    """Goods on a pass are lines of the documents behind it; bonded goods of exactly their account book line."""

    code = "goods_not_of_document"
    text = N_("Line %(line_no)s of the gate pass names goods that none of its documents declares.")


@dataclass(frozen=True)
class TypeRule:
    """What a pass type allows: directions (I, E) and kinds of document (rltTbTypecd)."""

    directions: tuple[str, ...]
    documents: tuple[str, ...]


@dataclass(frozen=True)
class DocumentLine:
    """A line of a list or slip: what it declares in base units, and of which item and account book line."""

    line_id: int
    line_no: int
    trade_item_id: int
    book_line_id: int
    declared_qty: int


@dataclass(frozen=True)
class BoundDocument:
    """A document behind a pass as its binding sees it. ``kind`` as rltTbTypecd."""

    number: str
    kind: str
    direction: str
    lines: tuple[DocumentLine, ...]


def check_type(new: NewPass, rule: TypeRule, documents: Sequence[BoundDocument]) -> None:
    """Raise PassTypeForbids unless the pass type serves the direction and the kinds of document."""
    kinds = {document.document_kind for document in new.documents}
    broken = None
    if new.direction not in rule.directions:
        broken = N_("it is for the other direction")
    elif kinds - set(rule.documents):
        broken = N_("it takes no document of this kind")
    elif new.lines and not rule.documents:
        broken = N_("it names no goods of the stock")
    elif any(document.direction != new.direction for document in documents):
        broken = N_("its document is for the other direction")
    if broken is not None:
        raise PassTypeForbids(field="pass_type", pass_type=new.pass_type, rule=broken)


def check_goods(new: NewPass, documents: Sequence[BoundDocument]) -> None:
    """Raise GoodsNotOfDocument for the first line that is no line of the pass's documents, or of another item."""
    known = {(document.kind, line.line_id): line for document in documents for line in document.lines}
    for line_no, line in enumerate(new.lines, 1):
        found = known.get(named_by(line))
        if found is None or found.trade_item_id != line.trade_item_id:
            raise GoodsNotOfDocument(field="goods", line_no=line_no)


def named_by(line: PassLine) -> tuple[str, int]:
    """Return kind and id of the document line that a pass line names; ("", 0) for none."""
    if line.slip_line_id is not None:
        return "2", line.slip_line_id
    return ("1", line.verification_line_id) if line.verification_line_id is not None else ("", 0)


def binding_of(new: NewPass, documents: Sequence[BoundDocument]) -> str:
    """Return the binding that fits where none was said: several documents, one whole, or a part of one."""
    if len(documents) > 1:
        return MANY_DOCUMENTS
    return WHOLE_DOCUMENT if _first_short(new, documents) is None else MANY_VEHICLES


def check_binding(new: NewPass, documents: Sequence[BoundDocument], whole_bindings: Sequence[str]) -> None:
    """Raise NotWholeDocument where the binding wants the whole document and the pass names less of it."""
    short = _first_short(new, documents) if new.bind_type in whole_bindings else None
    if short is not None:
        document, line, named = short
        raise NotWholeDocument(
            field="bind_type", bind_type=new.bind_type, document=document.number, line_no=line.line_no,
            declared=line.declared_qty, named=named,
        )  # fmt: skip


def _first_short(
    new: NewPass, documents: Sequence[BoundDocument]
) -> tuple[BoundDocument, DocumentLine, int] | None:  # fmt: skip
    named: dict[tuple[str, int], int] = {}
    for line in new.lines:
        key = named_by(line)
        named[key] = named.get(key, 0) + line.qty
    for document in documents:
        for of in document.lines:
            qty = named.get((document.kind, of.line_id), 0)
            if qty < of.declared_qty:
                return document, of, qty
    return None


def type_rule(said: Mapping[str, Mapping[str, Sequence[str]]], pass_type: str) -> TypeRule:
    """Return the rule of a pass type out of the dated value. Raises BadPass for a type that it does not know."""
    found = said.get(pass_type)
    if found is None:
        raise BadPass(rule=N_("its type is not known"))
    return TypeRule(tuple(found["directions"]), tuple(found["documents"]))
