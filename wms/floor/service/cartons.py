"""The carton catalogue: types from a day on, and the shipped list where an installation entered none of its own."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.errors import N_, Kind, WmsError
from wms.floor.rules.packing import UnknownCarton
from wms.floor.tables.packing import CartonType, PackRule
from wms.parties import dated

SHIPPED = "packing.cartons"
SHIPPED_SOURCE = "shipped with the product (packing.cartons)"


class CartonExists(WmsError):
    """Two types would answer to one code on one day."""

    code = "carton_exists"
    kind = Kind.CONFLICT
    text = N_("There is already a carton %(carton)s from %(on)s.")


@dataclass(frozen=True)
class NewCarton:
    """A carton type from a day on; it ends the type that had the code before. Sizes are inner ones in mm."""

    code: str
    name_zh: str
    name_en: str
    length_mm: int
    width_mm: int
    height_mm: int
    max_weight_g: int
    tare_g: int
    cost_minor: int
    valid_from_on: date
    source: str
    currency: str = "CNY"


def add_carton(session: Session, new: NewCarton) -> int:
    """Enter a carton type; a type of the same code holds until the day before. Raises CartonExists."""
    session.execute(
        update(CartonType)
        .where(CartonType.code == new.code, CartonType.valid_from_on < new.valid_from_on)
        .where(or_(CartonType.valid_until_on.is_(None), CartonType.valid_until_on >= new.valid_from_on))
        .values(valid_until_on=date.fromordinal(new.valid_from_on.toordinal() - 1))
    )
    made: int | None = session.scalar(
        insert(CartonType).values(**asdict(new)).on_conflict_do_nothing().returning(CartonType.id)
    )
    if made is None:
        raise CartonExists(field="code", carton=new.code, on=new.valid_from_on.isoformat())
    return made


def end_carton(session: Session, code: str, until_on: date) -> None:
    """Let a carton type end with a day. Raises UnknownCarton."""
    found = carton_type(session, code, until_on)
    found.valid_until_on = until_on
    session.flush()


def carton_types(session: Session, on: date) -> list[CartonType]:
    """Return the types that hold on a day, by code. Enters the shipped list where the installation has none at all."""
    if session.scalar(select(func.count()).select_from(CartonType)) == 0:
        _enter_shipped(session, on)
    holds = or_(CartonType.valid_until_on.is_(None), CartonType.valid_until_on >= on)
    query = select(CartonType).where(CartonType.valid_from_on <= on, holds).order_by(CartonType.code, CartonType.id)
    return list(session.scalars(query))


def carton_type(session: Session, code: str, on: date) -> CartonType:
    """Return the type that has the code on a day. Raises UnknownCarton."""
    found = [one for one in carton_types(session, on) if one.code.upper() == code.strip().upper()]
    if not found:
        raise UnknownCarton(field="carton", carton=code[:40])
    return found[0]


def shipped(session: Session, on: date) -> list[Mapping[str, Any]]:
    """Return the list that comes with the product."""
    return list(dated.value(session, SHIPPED, on))


def _enter_shipped(session: Session, on: date) -> None:
    first = date(on.year, 1, 1)
    for row in shipped(session, on):
        named = {"name_zh": f"{row['code']} 号纸箱", "name_en": f"Carton {row['code']}"}
        dates = {"valid_from_on": first, "source": SHIPPED_SOURCE}
        session.execute(insert(CartonType).values(**row, **named, **dates).on_conflict_do_nothing())


def set_pack_rule(
    session: Session, trade_item_id: int, *, this_side_up: bool, is_fragile: bool, keep_apart_class: str | None
) -> None:
    """Say how an item wants to lie in a carton; said again it replaces what was said before."""
    said = {"this_side_up": this_side_up, "is_fragile": is_fragile, "keep_apart_class": keep_apart_class}
    session.execute(
        insert(PackRule)
        .values(trade_item_id=trade_item_id, **said)
        .on_conflict_do_update(index_elements=["trade_item_id"], set_=said)
    )
