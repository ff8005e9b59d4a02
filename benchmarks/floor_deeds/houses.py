"""Where people work: houses of one owner and one operator, with places, people and the same items in each."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.codes import gs1_keys
from wms.parties.tables import Company, CompanyRole, Location, Person, PersonRole, Site
from wms.stock.tables import BookLine

HOUSE_KINDS = ("bonded", "ordinary", "overseas")
PLACES = {
    **{f"B-{n:02d}": "bin" for n in range(1, 13)},
    "INSP-1": "inspection", "DOCK-1": "dock", "PACK-1": "packing", "Q-1": "quarantine", "STAGE-1": "staging",
}  # fmt: skip


@dataclass(frozen=True)
class House:
    """One warehouse: ids of what stands in it. ``items`` are (id, code, GTIN)."""

    kind: str
    site_id: int
    site_code: str
    owner_id: int
    owner_code: str
    items: tuple[tuple[int, str, str], ...]
    places: dict[str, int]
    clerk_ids: tuple[int, ...]
    boss_ids: tuple[int, ...]
    book_line_ids: dict[int, int]

    @property
    def is_bonded(self) -> bool:
        return self.kind == "bonded"


def build_houses(session: Session, kinds: tuple[str, ...] = HOUSE_KINDS, prefix: str = "SIM") -> tuple[House, ...]:
    """Sites of ``kinds`` for one owner; the same items everywhere."""
    owner = Company(code=f"{prefix}-OWNER", name_zh="货主", name_en="Owner")
    operator = Company(code=f"{prefix}-OPERATOR", name_zh="经营企业", name_en="Operator")
    session.add_all([owner, operator])
    session.flush()
    session.add_all(
        [CompanyRole(company_id=owner.id, role="owner_of_goods"), CompanyRole(company_id=operator.id, role="operator")]
    )
    items = []
    for n in range(6):
        digits = f"690{n + 1:09d}"
        items.append(
            TradeItem(
                owner_id=owner.id, code=f"{prefix}-{n + 1}", gtin=digits + str(gs1_keys.check_digit(digits)),
                name_zh=f"商品{n + 1}", name_en=f"Item {n + 1}", gross_weight_g=300, volume_mm3=480_000,
                length_mm=100, width_mm=80, height_mm=60,
            )
        )  # fmt: skip
    session.add_all(items)
    session.flush()
    return tuple(_house(session, kind, prefix, owner, operator, items) for kind in kinds)


def _house(
    session: Session, kind: str, prefix: str, owner: Company, operator: Company, items: list[TradeItem]
) -> House:
    site = Site(
        code=f"{prefix}-{kind.upper()}",
        name_zh=kind,
        name_en=kind,
        kind=kind,
        lat_deg=Decimal(29),
        lon_deg=Decimal(113),
    )
    session.add(site)
    session.flush()
    places = [
        Location(site_id=site.id, code=code, kind=place, is_bonded=kind == "bonded", pick_sequence=n)
        for n, (code, place) in enumerate(PLACES.items(), 1)
    ]
    people = [Person(company_id=operator.id, name_zh=f"员工{n}", name_en=f"Person {n}") for n in range(4)]
    session.add_all([*places, *people])
    session.flush()
    roles = ("clerk", "clerk", "supervisor", "supervisor")
    session.add_all(PersonRole(person_id=one.id, role=role) for one, role in zip(people, roles, strict=True))
    lines = {}
    if kind == "bonded":
        for n, item in enumerate(items, 1):
            line = BookLine(book_no="T4902W000001", line_no=n, trade_item_id=item.id, customs_unit="011")
            session.add(line)
            session.flush()
            lines[item.id] = line.id
    session.flush()
    return House(
        kind, site.id, site.code, owner.id, owner.code, tuple((i.id, i.code, i.gtin or "") for i in items),
        {place.code: place.id for place in places}, tuple(p.id for p in people[:2]), tuple(p.id for p in people[2:]),
        lines,
    )  # fmt: skip
