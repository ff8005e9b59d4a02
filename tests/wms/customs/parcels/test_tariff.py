"""Rates are dated data: by commodity code or its first digits, one's own before the shipped ones."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from wms.customs.parcels.rules.tax import DutyUnknown, Goods, RateUnknown, levy
from wms.customs.parcels.tariff import RATES, tariff_on
from wms.parties import dated

DAY = date(2026, 6, 1)


def test_shipped_anchors_tax_milk_powder_skin_care_wine_and_watches(session: Session) -> None:
    tariff = tariff_on(session, DAY)
    assert tariff.of("1901101090").vat == Decimal("0.13")
    assert tariff.of("0405100000").vat == Decimal("0.09")
    assert tariff.of("2204210000").consumption == Decimal("0.10")
    assert tariff.of("9102110000").threshold == "parcel.high_end_watches"
    assert tariff.terms.thresholds["parcel.high_end_cosmetics"]["piece"] == "15"


def test_a_code_without_rates_is_refused_by_code_and_day(session: Session) -> None:
    with pytest.raises(RateUnknown, match="Goods code 8517130000 has no tax rates on 2026-06-01"):
        tariff_on(session, DAY).of("8517130000")


def test_ones_own_rate_holds_from_its_day(session: Session) -> None:
    value = {"vat": "0.10", "duty": "0", "consumption": "0", "threshold": ""}
    dated.enter(session, RATES, value, valid_from_on=date(2027, 1, 1), source="notice", subject="0405100000")
    assert tariff_on(session, date(2026, 12, 31)).of("0405100000").vat == Decimal("0.09")
    assert tariff_on(session, date(2027, 1, 1)).of("0405100000").vat == Decimal("0.10")


def test_an_unknown_duty_stops_only_a_levy_in_full(session: Session) -> None:
    tariff = tariff_on(session, DAY)
    nappies = Goods(1, Decimal(500), Decimal(1), tariff.of("9619001100"))
    assert levy(nappies, tariff.terms).total == Decimal("45.50")
    with pytest.raises(DutyUnknown, match="Line 1: above the single limit duty is due"):
        levy(nappies, tariff.terms, in_full=True)
