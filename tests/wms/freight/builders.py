"""Consignments for tests, beside tests/build.py."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from tests.build import make_company, number
from wms.freight.rules import ConsignmentForm
from wms.freight.service import announce

READY = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def form(owner_id: int, **changes: Any) -> ConsignmentForm:
    """A consignment of 2 m3 and 400 kg from Chenglingji to Hamburg, ready now, due in sixty days."""
    given: dict[str, Any] = {
        "consignment_no": f"YY{number():06d}",
        "origin": "CNCLJ",
        "destination": "DEHAM",
        "trade_mode": "0110",
        "volume_cm3": 2_000_000,
        "weight_g": 400_000,
        "value_minor": 1_000_000,
        "ready_at": READY,
        "due_at": READY + timedelta(days=60),
    }
    return ConsignmentForm(owner_id=owner_id, **(given | changes))


def make_consignments(session: Session, count: int, **changes: Any) -> list[str]:
    """``count`` open consignments of one new owner; their numbers."""
    owner = make_company(session, "owner_of_goods")
    forms = [form(owner.id, **changes) for _ in range(count)]
    for one in forms:
        announce(session, one)
    return [one.consignment_no for one in forms]
