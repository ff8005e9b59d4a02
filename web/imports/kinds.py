"""What may be imported: the columns of each list, and who enters its rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from web.imports import goods, refusals
from web.imports.columns import (
    LARGEST,
    TEMPERATURES,
    Column,
    Fault,
    Row,
    among,
    day,
    money,
    number_text,
    text,
    whole,
    yes_no,
)
from web.imports.consignments import Consignments
from web.imports.intake import Choice, Kind, Plain
from wms.catalog import importing as items
from wms.catalog.rules import Packaging
from wms.catalog.service import FileItem
from wms.errors import WmsError
from wms.floor.rules.opening import Lying, UnknownOwner, UnknownSite
from wms.floor.rules.orders import OrderExists, OrderLineIn
from wms.floor.service.notice_list import NoticeList, NoticeRowIn
from wms.floor.service.opening import Opening
from wms.floor.service.orders import PlaceOrder, place_order
from wms.parties import importing as places
from wms.parties.tables import LOCATION_KINDS, TEMPERATURE_CLASSES, VELOCITY_CLASSES, Company, Site
from wms.stock.tables import QUALITY_STATUSES

QUALITIES = {"良品": "good", "冻结": "hold", "残损": "damaged", "待检": "quarantine", "过期": "expired"}
LEVELS = (1, 2, 3, 4)


class Items(Plain):
    """Trade items with up to four packagings."""

    def __init__(self, session: Session, choice: Choice) -> None:
        self._session, self._keep = session, choice.keep_existing
        self._known = items.KnownCodes()
        self._owners = {row.code: row.id for row in session.execute(select(Company.code, Company.id))}

    def take(self, rows: Sequence[Row]) -> tuple[int, list[Fault]]:
        ready, faults = [], []
        for row in rows:
            try:
                ready.append(items.ItemRow(row.number, self._item(row.values)))
            except WmsError as refusal:
                faults.append(Fault(row.number, refusal))
        n_taken, refused = items.file_items(self._session, ready, self._known, keep_existing=self._keep)
        return n_taken, faults + [Fault(one.row, one.refusal) for one in refused]

    def _item(self, given: Mapping[str, Any]) -> FileItem:
        owner_id = self._owners.get(given["owner"].upper())
        if owner_id is None:
            raise UnknownOwner(field="owner", owner=given["owner"])
        levels = []
        for n in LEVELS:
            unit, qty, gtin = (given[f"pack{n}_{part}"] for part in ("unit", "qty", "gtin"))
            if unit is None and qty is None and gtin is None:
                continue
            for part, value in (("unit", unit), ("qty", qty)):
                if value is None:
                    raise refusals.CellMissing(field=f"pack{n}_{part}", column=f"pack{n}_{part}")
            levels.append(Packaging(unit, qty, gtin))
        plain = {name: value for name, value in given.items() if name != "owner" and not name.startswith("pack")}
        return FileItem(owner_id=owner_id, packagings=tuple(levels), **plain)


class Places(Plain):
    """Places of sites."""

    def __init__(self, session: Session, choice: Choice) -> None:
        self._session, self._keep = session, choice.keep_existing
        self._sites = {site.code: site for site in session.scalars(select(Site))}

    def take(self, rows: Sequence[Row]) -> tuple[int, list[Fault]]:
        ready, faults = [], []
        for row in rows:
            given = dict(row.values)
            site = self._sites.get(given.pop("site").upper())
            if site is None:
                refusal = UnknownSite(field="site", site=row.values["site"])
                faults.append(Fault(row.number, refusal))
                continue
            code = given.pop("code")
            ready.append(places.PlaceRow(row.number, site.id, site.code, site.kind, code, given))
        n_taken, refused = places.add_locations(self._session, ready, keep_existing=self._keep)
        return n_taken, faults + [Fault(one.row, one.refusal) for one in refused]


class OpeningStock(Plain):
    """Goods that lie there already; every thousand rows are one posting."""

    def __init__(self, session: Session, choice: Choice) -> None:
        self._opening = Opening(session, choice.key, choice.source_doc, choice.event_at)

    def take(self, rows: Sequence[Row]) -> tuple[int, list[Fault]]:
        given = [_lying(row) for row in rows]
        refused = self._opening.take(given)
        return len(given) - len(refused), [Fault(one.row, one.refusal) for one in refused]


class Orders(Plain):
    """Orders with their lines: rows of one order number that follow each other are one order."""

    def __init__(self, session: Session, choice: Choice) -> None:
        self._session, self._now, self._keep = session, choice.event_at, choice.keep_existing
        self._owners = {row.code: row.id for row in session.execute(select(Company.code, Company.id))}
        self._sites = {row.code: row.id for row in session.execute(select(Site.code, Site.id))}
        self._kept: list[Row] = []

    def take(self, rows: Sequence[Row]) -> tuple[int, list[Fault]]:
        n_taken = 0
        faults: list[Fault] = []
        for row in rows:
            if self._kept and row.values["order_no"] != self._kept[0].values["order_no"]:
                more, found = self.finish()
                n_taken, faults = n_taken + more, faults + found
            self._kept.append(row)
        return n_taken, faults

    def finish(self) -> tuple[int, list[Fault]]:
        rows, self._kept = self._kept, []
        if not rows:
            return 0, []
        try:
            with self._session.begin_nested():
                place_order(self._session, self._order(rows), self._now)
        except OrderExists as refusal:
            return (0, []) if self._keep else (0, [Fault(rows[0].number, refusal)])
        except WmsError as refusal:
            return 0, [Fault(_row_of(rows, refusal), refusal)]
        return len(rows), []

    def _order(self, rows: Sequence[Row]) -> PlaceOrder:
        head = rows[0].values
        owner_id, site_id = self._owners.get(head["owner"].upper()), self._sites.get(head["site"].upper())
        if owner_id is None:
            raise UnknownOwner(field="owner", owner=head["owner"])
        if site_id is None:
            raise UnknownSite(field="site", site=head["site"])
        lines = tuple(
            OrderLineIn(
                row.values["item"], row.values["qty"], row.values["unit"], row.values["min_life_days"],
                (row.values["lot_no"],) if row.values["lot_no"] else (), strategy=row.values["strategy"],
            )
            for row in rows
        )  # fmt: skip
        names = ("priority", "carrier", "service", "route", "ship_policy", "consignee_name", "consignee_region")
        return PlaceOrder(
            head["order_no"], site_id, owner_id, head["trade_mode"], lines, **{name: head[name] for name in names}
        )


def _row_of(rows: Sequence[Row], refusal: WmsError) -> int:
    """Return the row that a refusal of an order's line means, else the order's first row."""
    _, _, number = (refusal.field or "").partition("lines.")
    return rows[int(number) - 1].number if number.isdecimal() and 0 < int(number) <= len(rows) else rows[0].number


def _lying(row: Row) -> Lying:
    values = dict(row.values)
    return Lying(row=row.number, place=values.pop("location"), **values)


class Notices(Plain):
    """Advance notices: one line a row; rows of one number are one notice and agree in what they say of it."""

    def __init__(self, session: Session, _choice: Choice) -> None:
        self._list = NoticeList(session)

    def take(self, rows: Sequence[Row]) -> tuple[int, list[Fault]]:
        refused = self._list.take([NoticeRowIn(row.number, **row.values) for row in rows])
        return len(rows) - len(refused), [Fault(one.row, one.refusal) for one in refused]


def _packaging_columns() -> tuple[Column, ...]:
    shown = {1: ("carton", "12", "16901234567899"), 2: ("pallet", "480", "")}
    found: list[Column] = []
    for n in LEVELS:
        unit, qty, gtin = shown.get(n, ("", "", ""))
        found += [
            Column(f"pack{n}_unit", text(30), names=(f"包装{n}单位",), example=unit),
            Column(f"pack{n}_qty", whole(1, LARGEST), names=(f"包装{n}数量",), example=qty),
            Column(f"pack{n}_gtin", number_text(14), names=(f"包装{n}条码",), example=gtin),
        ]
    return tuple(found)


ITEMS = (
    Column("owner", text(30), True, ("货主", "owner_code"), "LAKE"),
    Column("code", text(80), True, ("货号", "sku", "item"), "SKU-1001"),
    Column("name_zh", text(), True, ("中文名称", "品名"), "冷冻牛肉"),
    Column("name_en", text(), True, ("英文名称",), "Frozen beef"),
    Column("gtin", number_text(14), names=("条码", "ean"), example="6901234567892"),
    Column("base_unit", text(30), names=("基本单位", "unit"), example="piece", default="piece"),
    Column("gross_weight_g", whole(0), True, ("毛重克",), "500"),
    Column("volume_mm3", whole(0), True, ("体积立方毫米",), "1000000"),
    Column("hs_code", number_text(10), names=("商品编码",), example="0202300090"),
    Column("record_no", text(40), names=("备案号",)),
    Column("temperature_class", among(*TEMPERATURE_CLASSES, words=TEMPERATURES), names=("温区",), example="frozen",
           default="ambient"),
    Column("unit_value_minor", money(), names=("unit_value", "单价"), example="88.00", default=0),
    Column("currency", text(3), names=("币制",), example="CNY", default="CNY"),
    Column("is_lot_controlled", yes_no, names=("批次管理",), example="yes", default=False),
    Column("is_expiry_controlled", yes_no, names=("效期管理",), example="yes", default=False),
    Column("is_serial_controlled", yes_no, names=("序列号管理",), example="no", default=False),
    Column("is_catch_weight", yes_no, names=("称重管理",), example="no", default=False),
    Column("length_mm", whole(1, 100_000), names=("长毫米",), example="200"),
    Column("width_mm", whole(1, 100_000), names=("宽毫米",), example="100"),
    Column("height_mm", whole(1, 100_000), names=("高毫米",), example="50"),
    Column("velocity_class", among(*VELOCITY_CLASSES), names=("ABC",), example="A"),
    *_packaging_columns(),
)  # fmt: skip
PLACES = (
    Column("site", text(30), True, ("仓库",), "YY-1"),
    Column("code", text(30), True, ("库位", "location"), "A-01-02"),
    Column("kind", among(*LOCATION_KINDS), True, ("类型",), "bin"),
    Column("temperature_class", among(*TEMPERATURE_CLASSES, words=TEMPERATURES), names=("温区",), example="ambient",
           default="ambient"),
    Column("is_bonded", yes_no, names=("保税",), example="no", default=False),
    Column("pick_sequence", whole(0, 2**31 - 1), names=("拣货顺序",), example="10"),
    Column("max_weight_g", whole(1), names=("限重克",), example="1000000"),
    Column("max_volume_mm3", whole(1), names=("限容立方毫米",), example="1500000000"),
    Column("max_count", whole(1), names=("限数",)),
    Column("zone", text(30), names=("库区",), example="A"),
    Column("aisle", whole(0, 100_000), names=("巷道",), example="1"),
    Column("bay", whole(0, 100_000), names=("列",), example="1"),
    Column("level", whole(0, 1_000), names=("层",), example="2"),
    Column("x_mm", whole(0, 10**9), names=("横坐标毫米",), example="1500"),
    Column("y_mm", whole(0, 10**9), names=("纵坐标毫米",), example="12000"),
    Column("mixes_items", yes_no, names=("混放货品",), example="yes", default=True),
    Column("mixes_lots", yes_no, names=("混放批次",), example="yes", default=True),
    Column("velocity_class", among(*VELOCITY_CLASSES), names=("ABC",), example="A"),
)  # fmt: skip
OPENING = (
    Column("site", text(30), True, ("仓库",), "YY-1"),
    Column("location", text(30), True, ("库位", "place"), "A-01-02"),
    Column("owner", text(30), True, ("货主", "owner_code"), "LAKE"),
    Column("item", text(80), True, ("货号", "sku"), "SKU-1001"),
    Column("qty", whole(1), True, ("数量",), "24"),
    Column("unit", text(30), names=("单位",), example="piece"),
    Column("lot_no", text(20), names=("批号", "lot"), example="L2026-01"),
    Column("expires_on", day, names=("失效日期", "expiry"), example="2027-12-31"),
    Column("produced_on", day, names=("生产日期",)),
    Column("sscc", number_text(18), names=("托盘号",)),
    Column("quality_status", among(*QUALITY_STATUSES, words=QUALITIES), names=("状态",), example="good",
           default="good"),
    Column("book_no", number_text(20), names=("账册号",)),
    Column("book_line_no", whole(1, 2**31 - 1), names=("项号",)),
)  # fmt: skip

NOTICES = (
    Column("notice_no", text(80), True, ("预报号", "asn"), "ASN-2026-0001"),
    Column("site", text(30), True, ("仓库",), "YY-1"),
    Column("owner", text(30), True, ("货主", "owner_code"), "LAKE"),
    Column("trade_mode", number_text(4), True, ("监管方式",), "0110"),
    Column("verification_list", number_text(40), names=("核注清单",)),
    Column("expected_on", day, names=("预计到货日期",), example="2026-12-01"),
    Column("is_blind", yes_no, names=("盲收",), example="no", default=False),
    Column("item", text(80), True, ("货号", "sku"), "SKU-1001"),
    Column("qty", whole(1), True, ("数量",), "24"),
    Column("unit", text(30), names=("单位",), example="piece"),
    Column("lot_no", text(20), names=("批号", "lot"), example="L2026-01"),
    Column("expires_on", day, names=("失效日期", "expiry"), example="2027-12-31"),
    Column("sscc", number_text(18), names=("托盘号",)),
    Column("weight_g", whole(1), names=("重量克",)),
    Column("order_no", text(80), names=("订单号",)),
)  # fmt: skip

ORDERS = (
    Column("order_no", number_text(40), True, ("订单号",), "SO-2026-0001"),
    Column("site", text(30), True, ("仓库",), "YY-1"),
    Column("owner", text(30), True, ("货主", "owner_code"), "LAKE"),
    Column("trade_mode", number_text(4), True, ("监管方式",), "0110"),
    Column("item", text(80), True, ("货号", "sku"), "SKU-1001"),
    Column("qty", whole(1), True, ("数量",), "3"),
    Column("unit", text(30), names=("单位",), example="piece"),
    Column("lot_no", text(20), names=("批号", "lot")),
    Column("min_life_days", whole(0, 10_000), names=("最短效期天数",), default=0),
    Column("strategy", text(30), names=("分配策略",)),
    Column("priority", whole(0, 9), names=("优先级",), example="5", default=5),
    Column("carrier", text(60), names=("承运商",)),
    Column("service", text(60), names=("服务",)),
    Column("route", text(60), names=("线路",)),
    Column("ship_policy", among("partial", "complete"), names=("发货方式",), default="partial"),
    Column("consignee_name", text(120), names=("收货人",), example="张三"),
    Column("consignee_region", text(120), names=("收货地区",), example="长沙"),
)  # fmt: skip

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("items", ITEMS, Items),
        Kind("locations", PLACES, Places),
        Kind("opening-stock", OPENING, OpeningStock),
        Kind("orders", ORDERS, Orders),
        Kind("notices", NOTICES, Notices),
        Kind("consignments", goods.GOODS, Consignments, goods.PIECES, goods.PIECE_SHEETS),
    )
}


def kind_of(name: str) -> Kind:
    """Return the list of that name. Raises UnknownImport."""
    if name not in KINDS:
        raise refusals.UnknownImport(kind=name[:60], kinds=", ".join(KINDS))
    return KINDS[name]
