"""The simulated customs' own tariff: the three taxes of its bill are those that the product works out."""

from decimal import Decimal

import pytest

from web.demo.counter import tariff
from web.demo.counter.habits import Habits
from web.demo.counter.reading import Document
from web.demo.shops_file import COSMETICS_RATE, PLAIN_RATE
from wms.customs.parcels.rules import tax

TERMS = tax.Terms(
    Decimal("0.7"), "half_up", Decimal("0.01"), {"parcel.high_end_cosmetics": {"g": "10", "ml": "10", "piece": "15"}}
)
SERUM, MILK = "3304990029", "1901101000"


def line(gcode: str, model: str, price: str, qty: int) -> dict[str, str]:
    return {"gcode": gcode, "gmodel": model, "qty": str(qty), "totalPrice": str(Decimal(price) * qty)}


@pytest.mark.parametrize(
    ("gcode", "model", "price", "qty"),
    [
        (MILK, "1000g", "288.00", 2), (SERUM, "30g", "438.00", 1), (SERUM, "30ml/瓶", "299.99", 3),
        (SERUM, "30g", "300.00", 1), (SERUM, "0.03KG", "299.99", 1), (SERUM, "50g", "5100.00", 1),
    ],
)  # fmt: skip
def test_each_tax_of_a_line_is_that_of_the_product(gcode: str, model: str, price: str, qty: int) -> None:
    listed = Document({"freight": "0"}, (line(gcode, model, price, qty),))
    rates = tax.rates_of(COSMETICS_RATE if gcode == SERUM else PLAIN_RATE)
    value = Decimal(price) * qty
    ours = tax.levy(tax.Goods(1, value, Decimal(qty), rates, model), TERMS, in_full=value > 5000)
    (theirs,) = tariff.levy(listed, Habits())
    assert (theirs.duty, theirs.consumption, theirs.vat) == (ours.duty, ours.consumption, ours.vat)


def test_luxuries_alone_pay_consumption_tax_and_freight_is_shared_by_value() -> None:
    goods = (line(MILK, "900g", "100", 1), line(SERUM, "30g", "400", 1))
    listed = Document({"freight": "10", "insuredFee": "0"}, goods)
    milk, serum = tariff.levy(listed, Habits())
    assert (milk.duty, milk.consumption, milk.vat) == (Decimal(0), Decimal(0), Decimal("9.28"))  # of 102
    assert (serum.consumption, serum.vat) == (Decimal("50.40"), Decimal("43.68"))  # of 408
    assert tariff.total([milk, serum], "vat") == Decimal("52.96")


def test_a_parcel_without_lines_or_content_pays_no_more_than_vat() -> None:
    assert tariff.levy(Document({}), Habits()) == []
    (of,) = tariff.levy(Document({}, (line(SERUM, "serum", "400", 1),)), Habits())
    assert (of.consumption, of.vat) == (Decimal(0), Decimal("36.40"))
