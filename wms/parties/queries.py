"""Companies, persons, sites and locations as screens and the API show them."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from wms.parties.tables import Company, CompanyRole, Location, Person, PersonRole, Site


@dataclass(frozen=True)
class CompanyRow:
    """A company and what it is here."""

    id: int
    code: str
    name_zh: str
    name_en: str
    uscc: str | None
    customs_code: str | None
    country: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class PersonRow:
    """A person, where they work and what they may do."""

    id: int
    name_zh: str
    name_en: str
    is_active: bool
    company_id: int
    company_code: str
    company_name_zh: str
    company_name_en: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class SiteRow:
    """A site. Coordinates in WGS 84 degrees."""

    id: int
    code: str
    name_zh: str
    name_en: str
    kind: str
    unlocode: str | None
    customs_area: str | None
    time_zone: str
    currency: str
    lat_deg: Decimal
    lon_deg: Decimal


@dataclass(frozen=True)
class LocationRow:
    """A location of a site."""

    id: int
    site_id: int
    code: str
    kind: str
    temperature_class: str
    is_bonded: bool


def companies(session: Session, *, after: int = 0, limit: int = 50) -> list[CompanyRow]:
    """Return companies by id, after the id ``after``, at most ``limit``."""
    roles = func.array_agg(aggregate_order_by(CompanyRole.role, CompanyRole.role))
    query = (
        select(
            Company.id, Company.code, Company.name_zh, Company.name_en, Company.uscc, Company.customs_code,
            Company.country, roles.filter(CompanyRole.role.is_not(None)),
        )
        .outerjoin(CompanyRole, CompanyRole.company_id == Company.id)
        .where(Company.id > after)
        .group_by(Company.id)
        .order_by(Company.id)
        .limit(limit)
    )  # fmt: skip
    return [CompanyRow(*row[:7], tuple(row[7] or ())) for row in session.execute(query)]


def people(session: Session, *, after: int = 0, limit: int = 200) -> list[PersonRow]:
    """Return persons by id, after the id ``after``, at most ``limit``."""
    roles = func.array_agg(aggregate_order_by(PersonRole.role, PersonRole.role))
    query = (
        select(
            Person.id, Person.name_zh, Person.name_en, Person.is_active, Company.id, Company.code, Company.name_zh,
            Company.name_en, roles.filter(PersonRole.role.is_not(None)),
        )
        .join(Company, Company.id == Person.company_id)
        .outerjoin(PersonRole, PersonRole.person_id == Person.id)
        .where(Person.id > after)
        .group_by(Person.id, Company.id)
        .order_by(Person.id)
        .limit(limit)
    )  # fmt: skip
    return [PersonRow(*row[:8], tuple(dict.fromkeys(row[8] or ()))) for row in session.execute(query)]


def sites(session: Session, *, after: int = 0, limit: int = 200) -> list[SiteRow]:
    """Return sites by id, after the id ``after``, at most ``limit``."""
    query = select(Site).where(Site.id > after).order_by(Site.id).limit(limit)
    names = SiteRow.__dataclass_fields__
    return [SiteRow(**{name: getattr(site, name) for name in names}) for site in session.scalars(query)]


def locations(session: Session, site_id: int, *, after: int = 0, limit: int = 200) -> list[LocationRow]:
    """Return locations of a site by id, after the id ``after``, at most ``limit``."""
    query = (
        select(Location).where(Location.site_id == site_id, Location.id > after).order_by(Location.id).limit(limit)
    )
    names = LocationRow.__dataclass_fields__
    return [LocationRow(**{name: getattr(place, name) for name in names}) for place in session.scalars(query)]
