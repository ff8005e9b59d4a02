"""What goods are taxed at on a day: rates by commodity code, share levied, rounding, thresholds: all dated data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from wms.customs.parcels.rules.tax import Rates, RateUnknown, Terms, rates_of, terms_of
from wms.parties import dated

RATES, TERMS = "parcel.tax_rates", "parcel.tax_terms"


@dataclass(frozen=True)
class Tariff:
    """The tariff of one day; rates stand under commodity codes or their first digits."""

    on: date
    rates: Mapping[str, Rates]
    terms: Terms

    def of(self, gcode: str) -> Rates:
        """Return the rates of a commodity code: its own, else those of the longest beginning. Raises RateUnknown."""
        for length in range(len(gcode), 1, -1):
            if gcode[:length] in self.rates:
                return self.rates[gcode[:length]]
        raise RateUnknown(field="gcode", gcode=gcode, on=self.on.isoformat())


def tariff_on(session: Session, on: date) -> Tariff:
    """Return what holds on a day: of each commodity code the newest row, one's own before a shipped one."""
    rates: dict[str, Rates] = {}
    standing = [row for row in dated.values(session, RATES) if row.name == RATES and row.valid_from_on <= on]
    for row in sorted(standing, key=lambda row: (not row.is_shipped, row.valid_from_on)):
        rates[row.subject] = rates_of(row.value)
    names = sorted({one.threshold for one in rates.values() if one.threshold})
    thresholds: dict[str, Mapping[str, Any]] = {name: dated.value(session, name, on) for name in names}
    return Tariff(on, rates, terms_of(dated.value(session, TERMS, on), thresholds))
