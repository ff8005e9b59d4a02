"""Companies, persons, sites and locations: entering and changing them.

The record stands above this area, so who calls from above appends the leaf that says who changed what.
"""

from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from wms.codes import unlocode, uscc
from wms.errors import N_, InvalidField, NotFound
from wms.parties import rules
from wms.parties.tables import (
    COMPANY_ROLES,
    LOCATION_KINDS,
    PERSON_ROLES,
    SITE_KINDS,
    TEMPERATURE_CLASSES,
    Company,
    CompanyRole,
    Location,
    Person,
    PersonRole,
    Site,
)


@dataclass(frozen=True)
class NewCompany:
    """A company to enter; ``roles`` hold from the start and without end."""

    code: str
    name_zh: str
    name_en: str
    roles: tuple[str, ...] = ()
    uscc: str | None = None
    customs_code: str | None = None
    country: str = "CN"


@dataclass(frozen=True)
class NewPerson:
    """A person to enter, with the roles they have at every site."""

    company_id: int
    name_zh: str
    name_en: str
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class NewSite:
    """A site to enter. Coordinates in WGS 84 degrees."""

    code: str
    name_zh: str
    name_en: str
    kind: str
    lat_deg: Decimal
    lon_deg: Decimal
    unlocode: str | None = None
    customs_area: str | None = None
    time_zone: str = "Asia/Shanghai"
    currency: str = "CNY"


@dataclass(frozen=True)
class NewLocation:
    """A location to enter; a limit that is None does not bind."""

    site_id: int
    code: str
    kind: str
    temperature_class: str = "ambient"
    is_bonded: bool = False
    parent_code: str | None = None
    pick_sequence: int | None = None
    max_weight_g: int | None = None
    max_volume_mm3: int | None = None


def add_company(session: Session, new: NewCompany) -> int:
    """Enter a company; return its id.

    Raises BadCode, NameMissing, UnknownRole, BadUscc, BadCustomsCode, or CodeTaken for code or USCC.
    """
    code = rules.checked_code(new.code)
    names = rules.checked_names(new.name_zh, new.name_en)
    _known(new.roles, COMPANY_ROLES)
    given_uscc = _checked_uscc(new.uscc)
    customs_code = rules.checked_customs_code(new.customs_code)
    _refuse_taken(session, select(Company.id).where(Company.code == code), "code", code)
    if given_uscc:
        _refuse_taken(session, select(Company.id).where(Company.uscc == given_uscc), "uscc", given_uscc)
    company = Company(
        code=code, name_zh=names[0], name_en=names[1], uscc=given_uscc, customs_code=customs_code,
        country=new.country,
    )  # fmt: skip
    session.add(company)
    session.flush()
    session.add_all(CompanyRole(company_id=company.id, role=role) for role in sorted(set(new.roles)))
    session.flush()
    return company.id


def give_company_role(
    session: Session, company_id: int, role: str, valid_from_on: date | None, valid_until_on: date | None
) -> None:
    """Let a company be something here in a period (both days inclusive, None: open). Raises UnknownRole, BadPeriod."""
    _known((role,), COMPANY_ROLES)
    if valid_from_on and valid_until_on and valid_until_on < valid_from_on:
        raise rules.BadPeriod(field="valid_until_on", start=valid_from_on, until=valid_until_on)
    _must(session, Company, company_id, "company")
    held = session.get(CompanyRole, (company_id, role))
    if held is None:
        session.add(held := CompanyRole(company_id=company_id, role=role))
    held.valid_from_on, held.valid_until_on = valid_from_on, valid_until_on
    session.flush()


def add_person(session: Session, new: NewPerson, giver_role: str = "system") -> int:
    """Enter a person with their roles; return the id.

    ``giver_role`` is the role of who enters them: people of customs are entered by customs alone.
    Raises NotFound, NameMissing, UnknownRole, RoleNotForCompany, CustomsGivesItself.
    """
    names = rules.checked_names(new.name_zh, new.name_en)
    company_roles = _company_roles(session, new.company_id)
    rules.refuse_giver(company_roles, giver_role)
    person = Person(company_id=new.company_id, name_zh=names[0], name_en=names[1])
    session.add(person)
    session.flush()
    for role in sorted(set(new.roles)):
        give_role(session, person.id, role, giver_role)
    return person.id


def give_role(
    session: Session, person_id: int, role: str, giver_role: str = "system", site_id: int | None = None
) -> None:
    """Give a person a role, at one site or (None) at all; giving it twice is the same as once.

    Raises NotFound, UnknownRole, RoleNotForCompany, CustomsGivesItself.
    """
    _known((role,), PERSON_ROLES)
    person = _must(session, Person, person_id, "person")
    rules.refuse_role(role, _company_roles(session, person.company_id), giver_role)
    if site_id is not None:
        _must(session, Site, site_id, "site")
    held = select(PersonRole.id).where(
        PersonRole.person_id == person_id, PersonRole.role == role, PersonRole.site_id.is_not_distinct_from(site_id)
    )
    if session.scalar(held) is None:
        session.add(PersonRole(person_id=person_id, role=role, site_id=site_id))
        session.flush()


def take_role(session: Session, person_id: int, role: str, giver_role: str = "system") -> None:
    """Take a role from a person at every site. Raises NotFound, CustomsGivesItself."""
    person = _must(session, Person, person_id, "person")
    rules.refuse_giver(_company_roles(session, person.company_id), giver_role)
    session.execute(delete(PersonRole).where(PersonRole.person_id == person_id, PersonRole.role == role))


def refuse_stranger(session: Session, person_id: int, giver_role: str) -> None:
    """Raise CustomsGivesItself when ``giver_role`` may not change how this person logs in; NotFound without one."""
    person = _must(session, Person, person_id, "person")
    rules.refuse_giver(_company_roles(session, person.company_id), giver_role)


def set_active(session: Session, person_id: int, is_active: bool, giver_role: str = "system") -> None:
    """Let a person in, or keep them out from the next request on. Raises NotFound, CustomsGivesItself."""
    person = _must(session, Person, person_id, "person")
    rules.refuse_giver(_company_roles(session, person.company_id), giver_role)
    person.is_active = is_active
    session.flush()


def add_site(session: Session, new: NewSite) -> int:
    """Enter a site; return its id.

    Raises BadCode, CodeTaken, NameMissing, UnknownKind, BadPlace, or InvalidField for UN/LOCODE and time zone.
    """
    code = rules.checked_code(new.code)
    names = rules.checked_names(new.name_zh, new.name_en)
    if new.kind not in SITE_KINDS:
        raise rules.UnknownKind(field="kind", kind=new.kind, kinds=", ".join(SITE_KINDS))
    if not (-90 <= new.lat_deg <= 90 and -180 <= new.lon_deg <= 180):
        raise rules.BadPlace(field="lat_deg")
    _checked_zone(new.time_zone)
    _refuse_taken(session, select(Site.id).where(Site.code == code), "code", code)
    if new.unlocode and unlocode.resolve(new.unlocode) is None:
        raise InvalidField(field="unlocode", name="unlocode", rule=N_("must be a UN/LOCODE like CNYUY"))
    columns = asdict(new) | {"code": code, "name_zh": names[0], "name_en": names[1]}
    site = Site(**columns)
    session.add(site)
    session.flush()
    return site.id


def add_location(session: Session, new: NewLocation) -> int:
    """Enter a location of a site; return its id.

    Raises NotFound, BadCode, CodeTaken, UnknownKind, NotBonded, OtherSite.
    """
    code = rules.checked_code(new.code)
    site = _must(session, Site, new.site_id, "site")
    if new.kind not in LOCATION_KINDS:
        raise rules.UnknownKind(field="kind", kind=new.kind, kinds=", ".join(LOCATION_KINDS))
    if new.temperature_class not in TEMPERATURE_CLASSES:
        kinds = ", ".join(TEMPERATURE_CLASSES)
        raise rules.UnknownKind(field="temperature_class", kind=new.temperature_class, kinds=kinds)
    if new.is_bonded and site.kind not in ("bonded", "inspection"):
        raise rules.NotBonded(field="is_bonded", site=site.code)
    here = select(Location.id).where(Location.site_id == site.id)
    _refuse_taken(session, here.where(Location.code == code), "code", code)
    columns = asdict(new) | {"code": code, "parent_id": _parent_id(session, new)}
    del columns["parent_code"]
    location = Location(**columns)
    session.add(location)
    session.flush()
    return location.id


def _parent_id(session: Session, new: NewLocation) -> int | None:
    if not new.parent_code:
        return None
    found = session.execute(
        select(Location.id, Location.site_id).where(Location.code == new.parent_code)
    ).all()
    if not found:
        raise NotFound(field="parent_code", what=new.parent_code)
    mine = [row.id for row in found if row.site_id == new.site_id]
    if not mine:
        raise rules.OtherSite(field="parent_code", parent=new.parent_code)
    return int(mine[0])


def _company_roles(session: Session, company_id: int) -> frozenset[str]:
    _must(session, Company, company_id, "company")
    roles = session.scalars(select(CompanyRole.role).where(CompanyRole.company_id == company_id))
    return frozenset(roles)


def _must(session: Session, table: Any, row_id: int, what: str) -> Any:
    found = session.get(table, row_id)
    if found is None:
        raise NotFound(field=f"{what}_id", what=f"{what} {row_id}")
    return found


def _known(roles: tuple[str, ...], all_roles: tuple[str, ...]) -> None:
    for role in roles:
        if role not in all_roles:
            raise rules.UnknownRole(field="role", role=role, roles=", ".join(all_roles))


def _checked_uscc(given: str | None) -> str | None:
    if not given:
        return None
    if not uscc.is_uscc(given):
        raise rules.BadUscc(field="uscc", given=given)
    return uscc.normalise(given)


def _checked_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        rule = N_("must be a time zone like Asia/Shanghai")
        raise InvalidField(field="time_zone", name="time_zone", rule=rule) from None


def _refuse_taken(session: Session, query: Any, field: str, given: str) -> None:
    if session.scalar(query) is not None:
        raise rules.CodeTaken(field=field, given=given)
