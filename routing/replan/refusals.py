"""Why an event is refused: one sentence a rule, for console and page."""

from __future__ import annotations

from routing.problem import Fault
from wms.errors import N_

REFUSED = {
    "unknown_consignment": N_("%(given)s is no consignment of this plan"),
    "not_late": N_("%(given)s is ready no later than before"),
    "ready_after_due": N_("%(given)s would be ready after it is due; announce it anew with another due instant"),
    "duplicate": N_("consignment %(given)s is in the plan already"),
    "unknown_place": N_("%(given)s is no place of this network"),
    "no_service": N_("no service of this network leaves, reaches or crosses %(given)s"),
    "ends_before_it_begins": N_("the place opens again before it closes"),
    "unknown_service": N_("%(given)s is no service of this network"),
    "unknown_departure": N_("%(given)s has no departure %(when)s in the planning period; it leaves %(days)s (UTC)"),
    "no_delay": N_("neither leaves nor arrives later"),
    "unknown_frozen": N_("%(given)s is neither a box nor a consignment that goes under this plan"),
    "not_open": N_("%(given)s is no open consignment"),
}
FORM = {
    "missing": N_("%(name)s is missing"),
    "extra_forbidden": N_("%(name)s is not known here"),
    "value_error": N_("%(name)s must be an instant with its offset, such as 2026-03-05T08:00:00Z"),
    "int_from_float": N_("%(name)s must be a whole number"),
    "int_parsing": N_("%(name)s must be a whole number"),
    "int_type": N_("%(name)s must be a whole number"),
    "greater_than_equal": N_("%(name)s is too small"),
    "less_than_equal": N_("%(name)s is too large"),
    "too_short": N_("%(name)s must hold at least one event"),
    "too_long": N_("%(name)s holds too many events"),
    "union_tag_invalid": N_("%(name)s is none of the kinds of event"),
    "union_tag_not_found": N_("%(name)s is none of the kinds of event"),
}
DOES_NOT_FIT = N_("%(name)s does not fit")


def fault(field: str, rule: str, given: str = "", **values: str) -> Fault:
    """An event's fault in English, with what its sentence needs in another language."""
    told = {"given": given, **values}
    return Fault(field, rule, REFUSED[rule] % told, told)


def sentence(one: Fault) -> tuple[str, dict[str, str]]:
    """The fault's sentence to translate and its values; a fault of form says the rule, not what a parser said."""
    if one.values:
        return REFUSED[one.rule], dict(one.values)
    return FORM.get(one.rule, DOES_NOT_FIT), {"name": one.field}
