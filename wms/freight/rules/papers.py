"""Which documents customs wants for goods that travel, and which of them can be drafted from what is known. Pure.

The documents and their order are those of the trade mode's dated data (`customs.trade_mode`); what customs itself
answers in that order is no document of ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from wms.errors import N_

PAPER_STATES = ("drafted", "todo", "done")
LIST, PASS, ENTRY, TRANSIT, GATE = "INV101", "SAS121", "entry", "transit", "gate"

# What we or our declarants file. Everything else in a mode's order is said by customs.
NAMES: dict[str, str] = {
    ENTRY: N_("customs declaration"),
    LIST: N_("verification list (INV101)"),
    PASS: N_("gate pass (SAS121)"),
    TRANSIT: N_("transit declaration to the customs office of exit"),
    "303": N_("export order (CEB303)"),
    "403": N_("export receipt of money (CEB403)"),
    "505": N_("export waybill (CEB505)"),
    "603": N_("export list (CEB603)"),
    "607": N_("export total list (CEB607)"),
    "507": N_("arrival at the port (CEB507)"),
    "509": N_("departure (CEB509)"),
    "701": N_("summary application (CEB701)"),
    "311": N_("import order (CEB311)"),
    "411": N_("payment (CEB411)"),
    "511": N_("import waybill (CEB511)"),
    "621": N_("import list (CEB621)"),
    "711": N_("warehouse entry (CEB711)"),
    "513": N_("waybill state (CEB513)"),
    "213": N_("return application (CEB213)"),
    "215": N_("return arrival (CEB215)"),
}
REASONS: dict[str, str] = {
    "declared_elsewhere": N_(
        "It is entered in the single window by the declarant; number and day of the declaration are noted here."
    ),
    "vehicle_unknown": N_("Vehicle, weights and seal are known when the truck is: apply for the pass then."),
    "parcels_unknown": N_("It declares single orders and parcels; the consignment names none."),
    "goods_unknown": N_("No goods of this consignment in our warehouses are named, so there are no lines to declare."),
    "goods_not_promised": N_("The goods are not reserved yet, so their account book lines are not known."),
    "several_books": N_("The goods stand in several account books (%(books)s); a list has one."),
    "comes_from_abroad": N_("The goods come in: the list is drawn up from the notice when they are announced."),
    "seal_unknown": N_("Vehicle and seal are known when the box is stuffed; office of exit by way of %(place)s."),
    "mode_unknown": N_("No documents stand on record for trade mode %(mode)s (%(direction)s): enter it as dated data."),
    "list_deleted": N_("Another plan took the place of this one and carries it no more: draft %(number)s is deleted."),
    "list_with_customs": N_(
        "Another plan took the place of this one and carries it no more, but customs has list %(number)s already: have "
        "it deleted there."
    ),
    "refused": N_("It could not be drafted: %(text)s"),
}


@dataclass(frozen=True)
class Facts:
    """What is known of a booked consignment. ``direction`` E leaves the country, I enters it, D stays inside."""

    trade_mode: str
    direction: str
    has_goods: bool
    promised: bool
    books: tuple[str, ...]
    from_bonded_site: bool
    exit_place: str | None


@dataclass(frozen=True)
class Paper:
    """One document in order. ``reason`` empty: it can be drafted."""

    document: str
    reason: str = ""
    values: tuple[tuple[str, str], ...] = ()


def subject_of(trade_mode: str, direction: str) -> str:
    """The word that a mode's dated data has for the direction: retail export out of the zone has one of its own."""
    if direction == "E" and trade_mode == "1210":
        return "export"
    return "I" if direction == "I" else "E"


def papers(facts: Facts, steps: Sequence[Sequence[str]] | None) -> list[Paper]:
    """The documents in order, each with why it cannot be drafted. ``steps``: of the mode; None where it has none."""
    if steps is None:
        values = (("mode", facts.trade_mode), ("direction", facts.direction))
        return [Paper(ENTRY, "mode_unknown", values)]
    order = [document for step in steps for document in step]
    found = [_paper(document, facts) for document in order if document in NAMES]
    if facts.from_bonded_site and PASS not in order:
        found.append(Paper(PASS, "vehicle_unknown"))
    if facts.direction == "E" and facts.exit_place is not None:
        found.append(Paper(TRANSIT, "seal_unknown", (("place", facts.exit_place),)))
    return found


def _paper(document: str, facts: Facts) -> Paper:
    if document == LIST:
        return _list(facts)
    if document == PASS:
        return Paper(document, "vehicle_unknown")
    return Paper(document, "declared_elsewhere" if document == ENTRY else "parcels_unknown")


def _list(facts: Facts) -> Paper:
    if facts.direction == "I":
        return Paper(LIST, "comes_from_abroad")
    if not facts.has_goods:
        return Paper(LIST, "goods_unknown")
    if not facts.promised or not facts.books:
        return Paper(LIST, "goods_not_promised")
    if len(facts.books) > 1:
        return Paper(LIST, "several_books", (("books", ", ".join(facts.books)),))
    return Paper(LIST)
