"""Kits, de-kitting and simple processing: what a batch takes and makes, and what may be spoilt.

Bonded goods are processed only under a business filing (业务申报表): without its number the rule refuses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from wms.errors import N_, Kind, WmsError


class BillExists(WmsError):
    code = "bill_exists"
    kind = Kind.CONFLICT
    text = N_("Version %(version)s of bill %(bill)s exists already. A change is a new version.")


class UnknownBill(WmsError):
    code = "unknown_bill"
    kind = Kind.NOT_FOUND
    text = N_("No version of bill %(bill)s holds on %(on)s.")


class BadBill(WmsError):
    code = "bad_bill"
    kind = Kind.INVALID
    text = N_("A bill names at least one item that goes in and one that comes out, and none on both sides.")


class WrongKitShape(WmsError):
    code = "wrong_kit_shape"
    kind = Kind.INVALID
    text = N_("A kit comes out as one item, and taking it apart starts from one item.")


class BadBillDays(WmsError):
    code = "bad_bill_days"
    kind = Kind.INVALID
    text = N_("The last day of a bill cannot lie before its first.")


class UnknownProcessingOrder(WmsError):
    code = "unknown_processing_order"
    kind = Kind.NOT_FOUND
    text = N_("There is no processing order %(order)s.")


class ProcessingClosed(WmsError):
    code = "processing_closed"
    kind = Kind.CONFLICT
    text = N_("The processing order %(order)s is %(state)s.")


class TooManyBatches(WmsError):
    code = "too_many_batches"
    kind = Kind.CONFLICT
    text = N_("Only %(left)s batches of %(order)s are left, not %(wanted)s.")


class FilingMissing(WmsError):
    code = "filing_missing"
    text = N_("%(item)s is bonded: it is processed only under a business filing. Name its number.")


class NotIssued(WmsError):
    code = "not_issued"
    kind = Kind.CONFLICT
    text = N_("%(item)s is bonded and must be taken into process first: %(left)s are there, %(wanted)s are needed.")


class MixedStatus(WmsError):
    code = "mixed_status"
    text = N_("Free and bonded goods cannot go into one batch; %(item)s has both statuses here.")


class NotEnoughToProcess(WmsError):
    code = "not_enough_to_process"
    kind = Kind.CONFLICT
    text = N_("Only %(left)s of %(item)s lie free in %(place)s, %(wanted)s are needed.")


class TooMuchWaste(WmsError):
    code = "too_much_waste"
    kind = Kind.FORBIDDEN
    text = N_("%(waste)s of %(item)s spoilt is more than the bill allows (%(allowed)s): a supervisor must book it.")


class NotInBill(WmsError):
    code = "not_in_bill"
    kind = Kind.INVALID
    text = N_("%(item)s does not go into this bill.")


class ProducedLotMissing(WmsError):
    code = "produced_lot_missing"
    kind = Kind.INVALID
    text = N_("%(item)s is kept by lot: name the lot that was made.")


class BookLineForProduct(WmsError):
    code = "book_line_for_product"
    text = N_("%(item)s is made of bonded goods and needs a line of the account book. Name it.")


@dataclass(frozen=True)
class Part:
    """An item of a bill: base units for one batch, and how many thousandths of it may be spoilt besides."""

    trade_item_id: int
    direction: str
    qty: int
    waste_per_mille: int = 0

    def needed(self, batches: int) -> int:
        return self.qty * batches

    def may_spoil(self, batches: int) -> int:
        return self.needed(batches) * self.waste_per_mille // 1000


def check_bill(kind: str, parts: Sequence[Part], valid_from_on: date, valid_until_on: date | None) -> None:
    """Raise what is wrong with a new bill. Raises BadBill, WrongKitShape, BadBillDays."""
    inputs = {part.trade_item_id for part in parts if part.direction == "in"}
    outputs = {part.trade_item_id for part in parts if part.direction == "out"}
    if not inputs or not outputs or (inputs & outputs and kind != "process"):
        raise BadBill(field="lines")
    if (kind == "kit" and len(outputs) != 1) or (kind == "dekit" and len(inputs) != 1):
        raise WrongKitShape(field="lines")
    if valid_until_on is not None and valid_until_on < valid_from_on:
        raise BadBillDays(field="valid_until_on")


def check_waste(
    parts: Sequence[Part], waste: Mapping[int, int], batches: int, names: Mapping[int, object], *, is_supervisor: bool
) -> None:  # fmt: skip
    """Raise NotInBill, or TooMuchWaste unless a supervisor books it."""
    inputs = {part.trade_item_id: part for part in parts if part.direction == "in"}
    for item_id, qty in waste.items():
        if item_id not in inputs:
            raise NotInBill(item=names.get(item_id, "-"))
        allowed = inputs[item_id].may_spoil(batches)
        if qty > allowed and not is_supervisor:
            raise TooMuchWaste(item=names.get(item_id, "-"), waste=qty, allowed=allowed)
