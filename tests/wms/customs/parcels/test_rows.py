"""Rows written by one statement are the rows that were given, whatever stands in them."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.wms.customs.parcels.world import AT
from wms.customs.parcels import rows
from wms.customs.tables.parcels import RetailDocument, RetailOrder, RetailPayment

NASTY = ("", "a b", '"', "\\", '\\"', "{,}", "NULL", "null", "奶粉", "a\nb\tc", "'", "%s :x $1", "😀")


def order(n: int, text: str) -> dict[str, Any]:
    return {
        "direction": "I", "ebp_code": f"P{n}", "ebp_name": text, "ebc_code": "C", "ebc_name": text, "owner_id": None,
        "order_no": f"O{n}", "order_type": "I", "app_at": AT, "content_index": bytes(range(256)),
        "goods_value": Decimal("12345678901234.12345"), "freight": Decimal("1E+2"), "discount": Decimal("-0.00001"),
        "tax_total": Decimal(0), "paid": Decimal("0.5"), "currency": "142", "buyer_index": b"\x00\\\"{}" if n else None,
        "lines": [{"name": text, "n": 1, "none": None, "has": True}],
    }  # fmt: skip


def test_every_value_comes_back_as_it_was_given(session: Session) -> None:
    given = [order(n, text) for n, text in enumerate(NASTY)]
    rows.insert_all(session, RetailOrder, given)
    found = session.execute(select(RetailOrder.__table__).order_by(RetailOrder.id)).all()
    for one, row in zip(given, found, strict=True):
        assert {name: getattr(row, name) for name in one} == one
    assert {row.match for row in found} == {"waiting"}


def test_rows_are_changed_by_their_id(session: Session) -> None:
    rows.insert_all(session, RetailOrder, [order(n, "x") for n in range(3)])
    ids = session.scalars(select(RetailOrder.id).order_by(RetailOrder.id)).all()
    changed = [{"id": one, "match": "differs", "mismatches": [{"one": '"\\'}], "matched_at": AT} for one in ids[1:]]
    rows.update_all(session, RetailOrder, changed)
    found = session.execute(select(RetailOrder.__table__).order_by(RetailOrder.id)).all()
    assert [row.match for row in found] == ["waiting", "differs", "differs"]
    assert [row.mismatches for row in found[1:]] == [[{"one": '"\\'}]] * 2
    assert {row.matched_at for row in found[1:]} == {AT}


def test_nothing_to_write_is_no_statement(session: Session) -> None:
    rows.insert_all(session, RetailPayment, [])
    rows.update_all(session, RetailPayment, [])


def test_a_value_that_has_no_form_is_refused(session: Session) -> None:
    with pytest.raises(TypeError, match="no form"):
        rows.insert_all(session, RetailDocument, [{"kind": 1.5}])
