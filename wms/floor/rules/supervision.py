"""Buckets of age and expiry, and what the supervisor may undo from the desk."""

from collections.abc import Sequence

from wms.errors import N_, Kind, WmsError


class UndoneWhereMade(WmsError):
    """A posting that more than stock hangs on is undone by the use case that made it."""

    code = "undone_where_made"
    text = N_("Posting %(posting_id)s (%(posting_kind)s) cannot be undone here: undo it where it was made.")


class UndoRefused(WmsError):
    """The undo of the scan itself found a rule against it: moved since, receipt closed."""

    code = "undo_refused"
    kind = Kind.CONFLICT
    text = N_("Posting %(posting_id)s was not undone: %(why)s")


class ReasonMissing(WmsError):
    """An undo says why."""

    code = "reason_missing"
    kind = Kind.INVALID
    text = N_("Say why this is undone.")


class CardOfNothing(WmsError):
    """A stock card is of something."""

    code = "card_of_nothing"
    kind = Kind.INVALID
    text = N_("Name an item, a lot, a place or a pallet: a card is of something.")


class SpanTooLong(WmsError):
    """A report over more days than anybody reads."""

    code = "span_too_long"
    kind = Kind.INVALID
    text = N_("From %(since)s to %(until)s is no span of 1 to %(most)s days.")


def bucket_of(days: int | None, bounds: Sequence[int]) -> str:
    """Return the bucket of ``days``: ``<=30``, ``31-60`` … ``>365`` for bounds 30, 60 … 365; ``unknown`` for None."""
    if days is None:
        return "unknown"
    low = None
    for bound in bounds:
        if days <= bound:
            return f"<={bound}" if low is None else f"{low + 1}-{bound}"
        low = bound
    return f">{bounds[-1]}"
