"""Entering companies, people and places: what is refused, and by which rule."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.errors import InvalidField, NotFound, WmsError
from wms.parties import queries, rules, service
from wms.parties.tables import Person, PersonRole

COMPANY = {"code": "LAKE", "name_zh": "湖", "name_en": "Lake"}
SITE: dict[str, Any] = {
    "code": "CLJ-1", "name_zh": "一号仓", "name_en": "Warehouse 1", "kind": "bonded", "lat_deg": Decimal("29.43"),
    "lon_deg": Decimal("113.15"),
}  # fmt: skip
USCC = "91350100M000100Y43"  # the example of GB 32100-2015


def add_company(session: Session, *roles: str, **changed: Any) -> int:
    return service.add_company(session, service.NewCompany(**(COMPANY | changed), roles=roles))


def test_enters_a_company_with_its_roles(session: Session) -> None:
    company_id = add_company(session, "operator", "owner_of_goods", uscc=USCC, customs_code="430696003j")
    (row,) = queries.companies(session)
    assert (row.id, row.roles, row.uscc) == (company_id, ("operator", "owner_of_goods"), USCC)
    assert row.customs_code == "430696003J"


@pytest.mark.parametrize(
    ("changed", "refusal", "field"),
    [
        ({"code": "no spaces"}, rules.BadCode, "code"),
        ({"code": ""}, rules.BadCode, "code"),
        ({"code": "A" * 31}, rules.BadCode, "code"),
        ({"name_zh": "  "}, rules.NameMissing, "name_zh"),
        ({"name_en": ""}, rules.NameMissing, "name_en"),
        ({"uscc": USCC[:-1] + "5"}, rules.BadUscc, "uscc"),
        ({"uscc": "123"}, rules.BadUscc, "uscc"),
        ({"customs_code": "12345"}, rules.BadCustomsCode, "customs_code"),
    ],
)
def test_refuses_a_company_by_the_rule_it_breaks(
    session: Session, changed: dict[str, str], refusal: type[WmsError], field: str
) -> None:
    with pytest.raises(refusal) as said:
        add_company(session, **changed)
    assert said.value.field == field


def test_refuses_an_unknown_company_role(session: Session) -> None:
    with pytest.raises(rules.UnknownRole, match="logistics_firm"):
        add_company(session, "pirate")


def test_refuses_a_code_or_uscc_that_is_in_use(session: Session) -> None:
    add_company(session, uscc=USCC)
    with pytest.raises(rules.CodeTaken, match="LAKE"):
        add_company(session, code="lake")
    with pytest.raises(rules.CodeTaken) as said:
        add_company(session, code="OTHER", uscc=USCC)
    assert said.value.field == "uscc"


def test_a_role_holds_from_and_until_its_days() -> None:
    roles = [("operator", date(2026, 1, 1), date(2026, 1, 31)), ("bank", None, None)]
    assert rules.valid_roles(roles, date(2026, 1, 31)) == {"operator", "bank"}
    assert rules.valid_roles(roles, date(2026, 2, 1)) == {"bank"}


def test_refuses_a_role_that_ends_before_it_begins(session: Session) -> None:
    company_id = add_company(session)
    with pytest.raises(rules.BadPeriod):
        service.give_company_role(session, company_id, "bank", date(2026, 2, 1), date(2026, 1, 1))
    service.give_company_role(session, company_id, "bank", None, date(2026, 1, 1))
    service.give_company_role(session, company_id, "bank", date(2026, 1, 1), None)
    assert queries.companies(session)[0].roles == ("bank",)


def add_person(session: Session, company_id: int, *roles: str, giver: str = "system") -> int:
    return service.add_person(session, service.NewPerson(company_id, "张三", "Zhang San", roles), giver)


def test_enters_a_person_and_gives_a_role_once(session: Session) -> None:
    person_id = add_person(session, add_company(session, "operator"), "clerk", "planner")
    service.give_role(session, person_id, "clerk")
    assert queries.people(session)[0].roles == ("clerk", "planner")
    service.take_role(session, person_id, "clerk")
    assert queries.people(session)[0].roles == ("planner",)


def test_refuses_a_person_of_a_company_that_is_not_there(session: Session) -> None:
    with pytest.raises(NotFound):
        add_person(session, 2**40, "clerk")


def test_only_customs_employs_customs_officers(session: Session) -> None:
    operator, customs = add_company(session, "operator"), add_company(session, "customs", code="CUSTOMS")
    with pytest.raises(rules.RoleNotForCompany):
        add_person(session, operator, "customs_officer")
    with pytest.raises(rules.RoleNotForCompany):
        add_person(session, customs, "clerk")
    add_person(session, customs, "customs_officer", "auditor")


@pytest.mark.parametrize("giver", ["administrator", "supervisor"])
def test_only_customs_enters_and_changes_people_of_customs(session: Session, giver: str) -> None:
    customs = add_company(session, "customs")
    with pytest.raises(rules.CustomsGivesItself):
        add_person(session, customs, giver=giver)
    officer = add_person(session, customs, "customs_officer", giver="customs_officer")
    for change in (
        lambda: service.give_role(session, officer, "customs_officer", giver),
        lambda: service.take_role(session, officer, "customs_officer", giver),
        lambda: service.set_active(session, officer, False, giver),
    ):
        with pytest.raises(rules.CustomsGivesItself):
            change()


def test_keeps_a_person_out_and_lets_them_in(session: Session) -> None:
    person_id = add_person(session, add_company(session, "operator"), "clerk")
    service.set_active(session, person_id, False, "administrator")
    assert session.scalars(select(Person.is_active)).one() is False
    service.set_active(session, person_id, True, "administrator")
    assert session.scalars(select(Person.is_active)).one() is True


def test_a_role_can_hold_at_one_site(session: Session) -> None:
    person_id = add_person(session, add_company(session, "operator"))
    site_id = service.add_site(session, service.NewSite(**SITE))
    service.give_role(session, person_id, "clerk", site_id=site_id)
    service.give_role(session, person_id, "clerk", site_id=site_id)
    assert session.scalars(select(PersonRole.site_id)).all() == [site_id]


@pytest.mark.parametrize(
    ("changed", "refusal", "field"),
    [
        ({"code": "?"}, rules.BadCode, "code"),
        ({"kind": "castle"}, rules.UnknownKind, "kind"),
        ({"lat_deg": Decimal("90.1")}, rules.BadPlace, "lat_deg"),
        ({"lon_deg": Decimal("-180.1")}, rules.BadPlace, "lat_deg"),
        ({"time_zone": "Asia/Yueyang"}, InvalidField, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, InvalidField, "time_zone"),
        ({"unlocode": "Yueyang!"}, InvalidField, "unlocode"),
    ],
)
def test_refuses_a_site_by_the_rule_it_breaks(
    session: Session, changed: dict[str, Any], refusal: type[WmsError], field: str
) -> None:
    with pytest.raises(refusal) as said:
        service.add_site(session, service.NewSite(**(SITE | changed)))
    assert said.value.field == field


def test_refuses_a_site_code_in_use(session: Session) -> None:
    service.add_site(session, service.NewSite(**SITE))
    with pytest.raises(rules.CodeTaken):
        service.add_site(session, service.NewSite(**SITE))


def test_enters_locations_with_their_parents(session: Session) -> None:
    site_id = service.add_site(session, service.NewSite(**SITE))
    service.add_location(session, service.NewLocation(site_id, "A-01", "staging", is_bonded=True))
    service.add_location(session, service.NewLocation(site_id, "A-01-1", "bin", parent_code="A-01"))
    assert [row.code for row in queries.locations(session, site_id)] == ["A-01", "A-01-1"]


def test_refuses_a_location_by_the_rule_it_breaks(session: Session) -> None:
    site_id = service.add_site(session, service.NewSite(**SITE))
    other_id = service.add_site(session, service.NewSite(**(SITE | {"code": "ORD", "kind": "ordinary"})))
    service.add_location(session, service.NewLocation(other_id, "B-01", "bin"))
    wrong: list[tuple[service.NewLocation, type[WmsError]]] = [
        (service.NewLocation(other_id, "B-01", "bin"), rules.CodeTaken),
        (service.NewLocation(other_id, "B-02", "bin", is_bonded=True), rules.NotBonded),
        (service.NewLocation(site_id, "A-01", "cupboard"), rules.UnknownKind),
        (service.NewLocation(site_id, "A-01", "bin", temperature_class="hot"), rules.UnknownKind),
        (service.NewLocation(site_id, "A-01", "bin", parent_code="B-01"), rules.OtherSite),
        (service.NewLocation(site_id, "A-01", "bin", parent_code="C-01"), NotFound),
        (service.NewLocation(2**40, "A-01", "bin"), NotFound),
    ]
    for new, refusal in wrong:
        with pytest.raises(refusal):
            service.add_location(session, new)


def test_lists_page_by_id(session: Session) -> None:
    ids = [add_company(session, code=f"C{n}") for n in range(5)]
    first = queries.companies(session, limit=3)
    rest = queries.companies(session, after=first[-1].id)
    assert [row.id for row in first + rest] == ids
