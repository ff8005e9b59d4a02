"""What pydantic found wrong with a body, said in the caller's language: the field, and the rule it breaks."""

from typing import Any

from flask_babel import gettext as _
from pydantic import ValidationError

from wms.errors import N_

RULES = {
    "missing": N_("is missing"),
    "extra_forbidden": N_("is not a known field"),
    "int_type": N_("must be a whole number"),
    "int_parsing": N_("must be a whole number"),
    "int_from_float": N_("must be a whole number"),
    "int_parsing_size": N_("is too large a number"),
    "float_type": N_("must be a number"),
    "float_parsing": N_("must be a number"),
    "decimal_type": N_("must be a number"),
    "decimal_parsing": N_("must be a number"),
    "finite_number": N_("must be a number"),
    "decimal_max_digits": N_("must have at most %(max_digits)s digits"),
    "decimal_max_places": N_("must have at most %(decimal_places)s decimal places"),
    "decimal_whole_digits": N_("must have at most %(whole_digits)s digits before the decimal point"),
    "fraction": N_("must hold no number with a decimal point: write it as a text"),
    "bool_type": N_("must be true or false"),
    "bool_parsing": N_("must be true or false"),
    "string_type": N_("must be a text"),
    "string_too_short": N_("must have at least %(min_length)s characters"),
    "string_too_long": N_("must have at most %(max_length)s characters"),
    "string_pattern_mismatch": N_("must match the pattern %(pattern)s"),
    "greater_than": N_("must be greater than %(gt)s"),
    "greater_than_equal": N_("must be at least %(ge)s"),
    "less_than": N_("must be less than %(lt)s"),
    "less_than_equal": N_("must be at most %(le)s"),
    "too_short": N_("must have at least %(min_length)s items"),
    "too_long": N_("must have at most %(max_length)s items"),
    "literal_error": N_("must be one of %(expected)s"),
    "enum": N_("must be one of %(expected)s"),
    "list_type": N_("must be a list"),
    "tuple_type": N_("must be a list"),
    "dict_type": N_("must be an object"),
    "model_type": N_("must be an object"),
    "model_attributes_type": N_("must be an object"),
    "none_required": N_("must be empty"),
    "uuid_parsing": N_("must be a UUID"),
    "date_from_datetime_parsing": N_("must be a day like 2026-01-31"),
    "date_parsing": N_("must be a day like 2026-01-31"),
    "date_type": N_("must be a day like 2026-01-31"),
    "datetime_parsing": N_("must be an instant like 2026-01-31T08:00:00+08:00"),
    "datetime_from_date_parsing": N_("must be an instant like 2026-01-31T08:00:00+08:00"),
    "datetime_type": N_("must be an instant like 2026-01-31T08:00:00+08:00"),
    "timezone_aware": N_("must be an instant with its time zone, like 2026-01-31T08:00:00+08:00"),
    "day_beyond": N_("must begin with a day like 2026-01-31, from 1900 to 9998"),
    "date_from_datetime_inexact": N_("must be a day like 2026-01-31"),
    "instant_beyond": N_("must lie between the years 1970 and 8999"),
    "string_unicode": N_("must be a text of whole characters"),
    "nul_in_text": N_("must not hold the character NUL"),
}
MOST_NAMED = 20  # of a list with a thousand wrong items the first ones are enough


def wrong_fields(error: ValidationError) -> list[dict[str, str]]:
    """Return field and detail of each finding, in the request's language, at most :data:`MOST_NAMED`."""
    found = error.errors(include_url=False, include_input=False)[:MOST_NAMED]
    return [{"field": ".".join(str(part) for part in one["loc"]), "detail": _rule(one)} for one in found]


def _rule(one: Any) -> str:
    context = one.get("ctx", {})
    text = RULES.get(one["type"])
    if text is None:
        return str(_("does not fit: %(rule)s", rule=one["msg"]))
    return str(_(text, **context))
