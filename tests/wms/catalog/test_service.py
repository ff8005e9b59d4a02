"""Trade items are filed once, found by any of their numbers, and counted in exact units."""

from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from tests import build
from wms.catalog import queries, rules, service
from wms.catalog.rules import Packaging

CARTON = Packaging("carton", 12, "16901234567899")


def file(session: Session, **given: object) -> int:
    owner = build.make_company(session, "owner_of_goods")
    values = {
        "owner_id": owner.id,
        "code": "TEA",
        "name_zh": "茶",
        "name_en": "Tea",
        "gross_weight_g": 250,
        "volume_mm3": 1000,
        "gtin": "6901234567892",
        "packagings": (CARTON,),
    }
    return service.file_item(session, service.FileItem(**(values | given)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("gtin", "unit", "base_qty"),
    [("6901234567892", "piece", 1), ("06901234567892", "piece", 1), ("16901234567899", "carton", 12)],
)
def test_finds_an_item_by_any_of_its_numbers(session: Session, gtin: str, unit: str, base_qty: int) -> None:
    item_id = file(session)
    (found,) = queries.items_by_gtin(session, gtin)
    assert (found.item.id, found.unit, found.base_qty) == (item_id, unit, base_qty)


def test_a_number_filed_with_fourteen_digits_is_found_with_thirteen(session: Session) -> None:
    item_id = file(session, gtin="06901234567892", packagings=())
    assert queries.items_by_gtin(session, "6901234567892")[0].item.id == item_id


def test_two_owners_may_trade_the_same_goods(session: Session) -> None:
    file(session)
    file(session)
    assert len(queries.items_by_gtin(session, "6901234567892")) == 2


def test_one_owner_cannot_file_a_number_twice(session: Session) -> None:
    item = queries.item(session, file(session))
    assert item is not None
    with pytest.raises(rules.GtinTaken):
        file(session, owner_id=item.owner_id, code="TEA-2", packagings=())
    with pytest.raises(rules.GtinTaken):
        service.add_packaging(session, item.id, Packaging("case", 24, "16901234567899"))


def test_refuses_a_packaging_with_a_wrong_number_or_of_no_item(session: Session) -> None:
    item_id = file(session)
    with pytest.raises(rules.BadGtin):
        service.add_packaging(session, item_id, Packaging("case", 24, "16901234567890"))
    with pytest.raises(rules.UnknownItem):
        service.add_packaging(session, 0, Packaging("case", 24))


def test_counts_in_base_units_exactly(session: Session) -> None:
    item_id = file(session)
    assert service.base_units(session, item_id, Decimal("2.5"), "carton") == 30
    with pytest.raises(rules.InexactConversion):
        service.base_units(session, item_id, Decimal("0.3"), "carton")
    with pytest.raises(rules.UnknownUnit):
        service.base_units(session, item_id, 1, "drum")


def test_an_item_can_be_asked_for_by_its_owners_code(session: Session) -> None:
    item = queries.item(session, file(session))
    assert item is not None
    assert queries.item_by_code(session, item.owner_id, "TEA") == item
    assert [one.unit for one in queries.packagings(session, item.id)] == ["piece", "carton"]
