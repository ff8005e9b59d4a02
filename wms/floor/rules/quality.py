"""Inspection on receipt: how many units are looked at, what the count of defects means, and what may be released."""

from collections.abc import Sequence
from dataclasses import dataclass

from wms.errors import N_, Kind, WmsError


class UnknownInspection(WmsError):
    code = "unknown_inspection"
    kind = Kind.NOT_FOUND
    text = N_("There is no inspection %(inspection)s.")


class InspectionDecided(WmsError):
    """A rival was faster."""

    code = "inspection_decided"
    kind = Kind.CONFLICT
    text = N_("Inspection %(inspection)s was decided by %(person)s at %(at)s.")


class MoreDefectsThanUnits(WmsError):
    code = "more_defects_than_units"
    kind = Kind.INVALID
    text = N_("%(defects)s defects cannot be found in %(sample)s units.")


class VerdictNeedsReason(WmsError):
    """The verdict is another than the count says: then somebody says why."""

    code = "verdict_needs_reason"
    kind = Kind.INVALID
    text = N_("%(defects)s defects in %(sample)s units mean %(verdict)s by the plan: another verdict needs a note.")


class NoGoodStock(WmsError):
    code = "nothing_to_hold"
    kind = Kind.CONFLICT
    text = N_("No good stock of this kind lies there.")


class HeldPromised(WmsError):
    """Goods that are promised to orders are not held behind the orders' back."""

    code = "held_goods_promised"
    kind = Kind.CONFLICT
    text = N_("%(qty)s of them are promised to %(documents)s: free these first.")


class UnknownHold(WmsError):
    code = "unknown_hold"
    kind = Kind.NOT_FOUND
    text = N_("There is no hold %(hold)s.")


class HoldReleased(WmsError):
    code = "hold_released"
    kind = Kind.CONFLICT
    text = N_("Hold %(hold)s was released by %(person)s at %(at)s.")


class HeldGoodsElsewhere(WmsError):
    """Less lies on hold than the hold says: it was counted away or moved to another status."""

    code = "held_goods_elsewhere"
    kind = Kind.CONFLICT
    text = N_("Only %(found)s of the %(qty)s units on hold are still there free to release: count them first.")


class BadSampleTable(WmsError):
    code = "bad_sample_table"
    text = N_("The sample table %(name)s has no row for a lot of %(qty)s.")


class UnknownStatus(WmsError):
    code = "unknown_quality_status"
    kind = Kind.INVALID
    text = N_("%(status)s is no quality status that held goods can be released to.")


RELEASED_TO = ("good", "damaged", "quarantine", "expired")


@dataclass(frozen=True)
class Sample:
    """How many units of a lot are looked at, and with how many defects among them the lot still passes."""

    qty: int
    accept_max: int = 0


def by_share(lot_qty: int, permille: int) -> Sample:
    """Return the share of a lot, rounded up to whole units; no defect passes."""
    return Sample(min(lot_qty, -(-lot_qty * permille // 1000)))


def by_table(lot_qty: int, table: Sequence[Sequence[int]], name: str) -> Sample:
    """Return what a table of ``[lot up to, units, defects that pass]`` says; small lots are looked at whole.

    Raises BadSampleTable when no row is large enough.
    """
    for most, units, accept in table:
        if lot_qty <= most:
            return Sample(min(lot_qty, units), accept)
    raise BadSampleTable(name=name, qty=lot_qty)


def verdict(defects: int, sample: Sample, given: str | None, note: str | None) -> str:
    """Return "passed" or "failed". Raises MoreDefectsThanUnits, VerdictNeedsReason."""
    if not 0 <= defects <= sample.qty:
        raise MoreDefectsThanUnits(field="defects", defects=defects, sample=sample.qty)
    counted = "passed" if defects <= sample.accept_max else "failed"
    if given is None or given == counted:
        return counted
    if not note:
        raise VerdictNeedsReason(field="note", defects=defects, sample=sample.qty, verdict=counted)
    return given
