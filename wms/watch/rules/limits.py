"""Limits of temperature as people enter them: degrees and minutes in, thousandths and seconds kept."""

from decimal import Decimal

from wms.errors import N_, Kind, WmsError

COLDEST, WARMEST, LONGEST_MIN = Decimal(-200), Decimal(100), 7 * 24 * 60


class BadLimit(WmsError):
    """The limit says something that cannot be."""

    code = "bad_temperature_limit"
    kind = Kind.INVALID
    text = N_("This is no limit of temperature: %(fault)s.")


def limit_of(low_c: Decimal | None, high_c: Decimal | None, minutes: int) -> dict[str, int]:
    """Return a limit as it is kept. Raises BadLimit, naming the field."""
    if low_c is None and high_c is None:
        raise BadLimit(field="high_c", fault=N_("neither a lowest nor a highest temperature is given"))
    for field, degrees in (("low_c", low_c), ("high_c", high_c)):
        if degrees is None:
            continue
        if not COLDEST <= degrees <= WARMEST:
            raise BadLimit(field=field, fault=N_("a temperature lies beyond what any store has"))
        if degrees * 1000 != int(degrees * 1000):
            raise BadLimit(field=field, fault=N_("degrees are given to thousandths"))
    if low_c is not None and high_c is not None and low_c >= high_c:
        raise BadLimit(field="low_c", fault=N_("the lowest is not below the highest"))
    if not 0 <= minutes <= LONGEST_MIN:
        raise BadLimit(field="minutes", fault=N_("the time allowed is from nought minutes to a week"))
    value = {"for_s": minutes * 60}
    if low_c is not None:
        value["low_mdegc"] = int(low_c * 1000)
    if high_c is not None:
        value["high_mdegc"] = int(high_c * 1000)
    return value
