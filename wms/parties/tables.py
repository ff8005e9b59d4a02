"""Who takes part and where: companies and persons with their roles, sites and the places in them."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wms.db import Base, Id, Tenanted

COMPANY_ROLES = ("operator", "owner_of_goods", "logistics_firm", "platform", "customs", "bank")
PERSON_ROLES = (
    "clerk",
    "supervisor",
    "planner",
    "declarant",
    "customs_officer",
    "administrator",
    "auditor",
    "device",
)
SITE_KINDS = ("bonded", "ordinary", "overseas", "port", "rail", "airport", "shop", "inspection")
LOCATION_KINDS = (
    "dock", "staging", "bin", "inspection", "packing", "gate_buffer", "shop_floor", "quarantine", "vehicle", "chute",
    "work",
)  # fmt: skip
TEMPERATURE_CLASSES = ("ambient", "chilled", "frozen")
VELOCITY_CLASSES = ("A", "B", "C")


def one_of(column: str, values: tuple[str, ...], name: str | None = None) -> CheckConstraint:
    """A named check that ``column`` holds one of ``values``."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=name or f"{column}_known")


class Tenant(Base):
    """One operator's installation."""

    __tablename__ = "tenant"
    id: Mapped[Id]
    name: Mapped[str]


class Company(Tenanted, Base):
    """A legal person that takes part: its USCC (GB 32100-2015) and its 10-digit customs code where it has one."""

    __tablename__ = "company"
    __table_args__ = (UniqueConstraint("tenant_id", "code"), UniqueConstraint("tenant_id", "uscc"))
    id: Mapped[Id]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    uscc: Mapped[str | None]
    customs_code: Mapped[str | None]
    country: Mapped[str] = mapped_column(server_default="CN")


class CompanyRole(Tenanted, Base):
    """What a company is allowed to be here, from and until when."""

    __tablename__ = "company_role"
    __table_args__ = (one_of("role", COMPANY_ROLES),)
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    valid_from_on: Mapped[date | None]
    valid_until_on: Mapped[date | None]


class Person(Tenanted, Base):
    """A person who works with the system. How they log in stands in the web room."""

    __tablename__ = "person"
    __table_args__ = (Index(None, "company_id"),)
    id: Mapped[Id]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    name_zh: Mapped[str]
    name_en: Mapped[str]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))


class PersonRole(Tenanted, Base):
    """A role of a person, at one site or (``site_id`` empty) at all."""

    __tablename__ = "person_role"
    __table_args__ = (
        one_of("role", PERSON_ROLES),
        UniqueConstraint("person_id", "role", "site_id", postgresql_nulls_not_distinct=True),
    )
    id: Mapped[Id]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    role: Mapped[str]
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))


class Site(Tenanted, Base):
    """A warehouse, terminal, inspection centre or shop. ``lat_deg``/``lon_deg`` are WGS 84 degrees."""

    __tablename__ = "site"
    __table_args__ = (UniqueConstraint("tenant_id", "code"), one_of("kind", SITE_KINDS))
    id: Mapped[Id]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[str]
    unlocode: Mapped[str | None]
    customs_area: Mapped[str | None]
    time_zone: Mapped[str] = mapped_column(server_default="Asia/Shanghai")
    currency: Mapped[str] = mapped_column(server_default="CNY")
    lat_deg: Mapped[Decimal] = mapped_column(Numeric(9, 6))
    lon_deg: Mapped[Decimal] = mapped_column(Numeric(9, 6))


class Location(Tenanted, Base):
    """A place in a site where goods can lie; limits that are empty do not bind.

    ``x_mm`` and ``y_mm`` are where its face stands on the floor of the site; ``max_count`` counts base units.
    """

    __tablename__ = "location"
    __table_args__ = (
        UniqueConstraint("site_id", "code"),
        # Every scan of a place asks for it, in whatever case its letters are written.
        Index("ix_location_site_id_upper_code", "site_id", text("upper(code)")),
        one_of("kind", LOCATION_KINDS),
        one_of("temperature_class", TEMPERATURE_CLASSES),
        one_of("velocity_class", VELOCITY_CLASSES),
        CheckConstraint("max_weight_g > 0 AND max_volume_mm3 > 0", name="limits_positive"),
        CheckConstraint("max_count > 0", name="max_count_positive"),
        CheckConstraint("(x_mm IS NULL) = (y_mm IS NULL)", name="both_coordinates"),
        # The way that put-away looks along for a free place.
        Index(
            "ix_location_way",
            "site_id",
            "temperature_class",
            "is_bonded",
            text("coalesce(pick_sequence::bigint, id)"),
            postgresql_where=text("kind IN ('bin', 'shop_floor')"),
        ),
    )
    id: Mapped[Id]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str]
    kind: Mapped[str]
    temperature_class: Mapped[str] = mapped_column(server_default="ambient")
    is_bonded: Mapped[bool] = mapped_column(server_default=text("false"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("location.id"))
    pick_sequence: Mapped[int | None]
    max_weight_g: Mapped[int | None] = mapped_column(BigInteger)
    max_volume_mm3: Mapped[int | None] = mapped_column(BigInteger)
    max_count: Mapped[int | None] = mapped_column(BigInteger)
    zone: Mapped[str | None]
    aisle: Mapped[int | None]
    bay: Mapped[int | None]
    level: Mapped[int | None]
    x_mm: Mapped[int | None]
    y_mm: Mapped[int | None]
    mixes_items: Mapped[bool] = mapped_column(server_default=text("true"))
    mixes_lots: Mapped[bool] = mapped_column(server_default=text("true"))
    mixes_owners: Mapped[bool] = mapped_column(server_default=text("true"))
    velocity_class: Mapped[str | None]


class DatedValue(Tenanted, Base):
    """A rate, limit, tolerance or list that holds from a day on until the next row of the same name and subject.

    ``subject`` narrows it (a temperature class, an owner's code …); ``source`` is the notice, standard or contract.
    """

    __tablename__ = "dated_value"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name", "subject", "valid_from_on"),
        CheckConstraint("length(btrim(source)) > 0", name="has_source"),
    )
    id: Mapped[Id]
    name: Mapped[str]
    subject: Mapped[str] = mapped_column(server_default="")
    value: Mapped[Any] = mapped_column(JSONB)
    valid_from_on: Mapped[date]
    source: Mapped[str]


class ShippedValue(Base):
    """A dated value that comes with the product; it holds until the installation enters its own."""

    __tablename__ = "shipped_value"
    name: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True, server_default="")
    value: Mapped[Any] = mapped_column(JSONB)
    valid_from_on: Mapped[date] = mapped_column(primary_key=True)
    source: Mapped[str]
