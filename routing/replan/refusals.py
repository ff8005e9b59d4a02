"""Why an event is refused: what it names and one sentence a rule, for console and page."""

from __future__ import annotations

from routing.problem import Fault
from wms.errors import N_

REFUSED = {
    "unknown_consignment": N_("is no consignment of this plan"),
    "not_late": N_("is ready no later than before"),
    "ready_after_due": N_("would be ready after it is due; announce it anew with another due instant"),
    "duplicate": N_("is in the plan already"),
    "unknown_place": N_("is no place of this network"),
    "no_service": N_("is a place that no service of this network leaves, reaches or crosses"),
    "closed_already": N_("is a canal that this plan has closed already"),
    "no_passage": N_("is a canal that no service of this network passes"),
    "ends_before_it_begins": N_("opens again before it closes"),
    "unknown_service": N_("is no service of this network"),
    "unknown_departure": N_("is no departure of the planning period"),
    "no_delay": N_("neither leaves nor arrives later"),
    "unknown_frozen": N_("is neither a box nor a consignment that goes under this plan"),
    "not_open": N_("is no open consignment"),
}
FORM = {
    "missing": N_("is missing"),
    "extra_forbidden": N_("is not known here"),
    "value_error": N_("must be an instant with its offset, such as 2026-03-05T08:00:00Z"),
    "int_from_float": N_("must be a whole number"),
    "int_parsing": N_("must be a whole number"),
    "int_type": N_("must be a whole number"),
    "greater_than_equal": N_("is too small"),
    "less_than_equal": N_("is too large"),
    "too_short": N_("must hold at least one event"),
    "too_long": N_("holds too many events"),
    "union_tag_invalid": N_("is none of the kinds of event"),
    "union_tag_not_found": N_("is none of the kinds of event"),
}
DOES_NOT_FIT = N_("does not fit")


def fault(field: str, rule: str, given: str, more: str = "") -> Fault:
    """The fault of an event in English; ``given``: what it names. ``more`` is for the console alone."""
    return Fault(field, rule, f"{given} {REFUSED[rule]}{more}", given)


def rule_of(one: Fault) -> str:
    """The sentence of a fault's rule; of a fault of form what the rule is, not what a parser said."""
    return REFUSED[one.rule] if one.given else FORM.get(one.rule, DOES_NOT_FIT)
