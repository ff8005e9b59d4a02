"""Bonded display and sale, and parcels collected in person: what is allowed, what is refused, and by which rule."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from tests.build import make_site, now, number
from tests.wms.customs.parcels.world import drawn_up, sale
from tests.wms.customs.test_slips import TODAY, filing, left_on_slip
from tests.wms.gate.world import World, make_world
from wms.customs import display, filing_rules, modes, slips, verification_lists, verify
from wms.customs.parcels import pick_up
from wms.customs.tables import MovementSlip
from wms.customs.tables.parcels import ParcelDeclaration, ParcelRequest
from wms.errors import NotFound
from wms.parties import dated


def sell(session: Session, slip: MovementSlip, qty: int, document: str = "R-1") -> None:
    display.sell(session, display.Sale(slip.slip_no or "", 1, qty, document), None, now())


def released(session: Session, list_id: int) -> None:
    verification_lists.declare(session, list_id, now())
    verification_lists.pre_deduct(session, list_id, f"QD490226E{number():09d}", now())
    verification_lists.release_entry(session, list_id, "E", now())


def test_1_6_displayed_goods_are_sold_only_when_their_declaration_is_released(session: Session) -> None:
    world = make_world(session, declared=100)
    filed = filing(session, world)
    slip = left_on_slip(session, world, filed, 20)
    with pytest.raises(display.SoldBeforeDeclared):
        sell(session, slip, 1)
    list_id = slips.collect(session, filed.filing_no or "", f"JB{number()}", "5000")
    with pytest.raises(display.SoldBeforeDeclared):
        sell(session, slip, 1)
    released(session, list_id)
    sell(session, slip, 15)
    with pytest.raises(display.MoreThanDisplayed, match="5 are declared and not sold"):
        sell(session, slip, 6)
    sell(session, slip, 5)
    verification_lists.book(session, list_id, f"k{number()}", now())
    assert list(verify.findings(session)) == []


def test_1_6_slips_that_were_sold_out_are_declared_while_others_stay_on_display(session: Session) -> None:
    world = make_world(session, declared=100)
    filed = filing(session, world)
    sold, shown = left_on_slip(session, world, filed, 10), left_on_slip(session, world, filed, 5)
    list_id = slips.collect(session, filed.filing_no or "", f"JB{number()}", "5000", [sold.slip_no or ""])
    released(session, list_id)
    sell(session, sold, 10)
    with pytest.raises(display.SoldBeforeDeclared):
        sell(session, shown, 1)
    assert (slips.by_no(session, sold.internal_no).state, slips.by_no(session, shown.internal_no).state) == (
        "collected", "passed",
    )  # fmt: skip


def test_each_wrong_sale_is_refused_in_words(session: Session) -> None:
    world = make_world(session, declared=100)
    filed = filing(session, world, kind="D")
    slip = left_on_slip(session, world, filed, 5)
    with pytest.raises(filing_rules.FilingNotForThis, match="display and sale"):
        sell(session, slip, 1)
    other = left_on_slip(session, world, filing(session, world), 5)
    with pytest.raises(display.SaleWithoutReceipt):
        sell(session, other, 1, " ")
    with pytest.raises(filing_rules.UnknownSlip):
        display.sell(session, display.Sale(other.slip_no or "", 2, 1, "R"), None, now())


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"guarantee_minor": 0}, "needs a guarantee"),
        ({"worth": 0}, "what each piece is worth"),
        ({"valid_until_on": TODAY + timedelta(days=366)}, "longer term"),
    ],
)
def test_1_6_a_display_needs_guarantee_value_and_term(session: Session, changes: dict[str, object], rule: str) -> None:
    world = make_world(session, declared=100)
    worth = changes.get("worth", 100)
    lines = (filing_rules.FilingLine(world.shelf.book_line_id, 50, worth),)  # type: ignore[arg-type]
    with pytest.raises(filing_rules.BadFiling, match=rule):
        filing(session, world, lines=lines, **{name: value for name, value in changes.items() if name != "worth"})


def test_what_a_display_needs_is_dated_data(session: Session) -> None:
    dated.set_value(
        session, "customs.display", {"needs_guarantee": False, "most_days": 800}, valid_from_on=TODAY, source="letter"
    )
    world: World = make_world(session, declared=100)
    filing(session, world, guarantee_minor=0, valid_until_on=TODAY + timedelta(days=700))


def parcel(session: Session, state: str = "draft", **changes: object) -> ParcelDeclaration:
    row = session.get_one(ParcelDeclaration, drawn_up(session, sale()))
    row.state = state
    row.released_at = now() if state in ("released", "cleared") else None
    for name, value in changes.items():
        setattr(row, name, value)
    session.flush()
    return row


@pytest.mark.parametrize("state", ["draft", "declared", "returned", "detained", "cancelled"])
def test_0_7_pickup_of_1210_goods_with_an_unreleased_declaration_is_refused(session: Session, state: str) -> None:
    zone = make_site(session, "bonded")
    with pytest.raises(pick_up.PickUpBeforeRelease):
        pick_up.pick_up(session, parcel(session, state).cop_no or "", zone.id, None, now())


def test_0_7_pickup_in_the_zone_after_release_once(session: Session) -> None:
    zone, row = make_site(session, "bonded"), parcel(session, "released")
    made = pick_up.pick_up(session, row.cop_no or "", zone.id, None, now())
    assert made.site_id == zone.id
    with pytest.raises(pick_up.PickedUpAlready):
        pick_up.pick_up(session, row.cop_no or "", zone.id, None, now())
    with pytest.raises(NotFound):
        pick_up.pick_up(session, "nothing", zone.id, None, now())


def test_0_7_pickup_of_1210_goods_in_a_shop_outside_the_zone_is_refused(session: Session) -> None:
    shop, row = make_site(session, "shop"), parcel(session, "released", trade_mode="1210")
    with pytest.raises(pick_up.PickUpOutsideZone, match="notice 49 of 2018"):
        pick_up.pick_up(session, row.cop_no or "", shop.id, None, now())
    dated.set_value(
        session, "customs.pick_up", {"outside_zone_modes": ["1210"]}, valid_from_on=modes.beijing_day(now()),
        source="pilot of the zone",
    )  # fmt: skip
    pick_up.pick_up(session, row.cop_no or "", shop.id, None, now())


def test_a_parcel_on_hold_or_being_cancelled_is_not_collected(session: Session) -> None:
    zone = make_site(session, "bonded")
    held = parcel(session, "released", is_on_hold=True)
    with pytest.raises(pick_up.PickUpBeforeRelease):
        pick_up.pick_up(session, held.cop_no or "", zone.id, None, now())
    row = parcel(session, "released")
    session.add(ParcelRequest(declaration_id=row.id, kind="cancel", state="applied", reason="x", applied_at=now()))
    session.flush()
    with pytest.raises(pick_up.PickUpBeforeRelease):
        pick_up.pick_up(session, row.cop_no or "", zone.id, None, now())
