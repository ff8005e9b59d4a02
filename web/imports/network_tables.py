"""The tables of a planner's network: what each column is called, and which value of the record it holds.

One table serves reading and writing, so that what is written reads back as it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from web.imports import refusals
from web.imports.columns import LARGEST, Column, Reader, decimal, text, whole

Kind = Literal["text", "whole", "signed", "2", "3", "6", "lat", "lon", "words", "list", "pairs"]
PLACES_OF = {"2": 2, "3": 3, "6": 6, "lat": 6, "lon": 6}
SEPARATORS = {"words": " ", "list": "; "}


@dataclass(frozen=True)
class Field:
    """A column and the path of its value in the record."""

    column: Column
    kind: Kind
    path: tuple[str, ...]


@dataclass(frozen=True)
class TableOf:
    """A sheet: its title and other titles; `inside`: (list of records, field) that its rows belong to by their first
    column."""

    title: str
    other: str
    fields: tuple[Field, ...]
    inside: tuple[str, str] | None = None

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns in order."""
        return tuple(one.column for one in self.fields)


def _list_of(separator: str) -> Reader:
    return lambda given: tuple(part.strip() for part in given.split(separator.strip() or None) if part.strip())


def _pairs(given: str) -> dict[str, int]:
    """'50=0; 80=144' as per cent -> hours."""
    found = {}
    for part in _list_of(";")(given):
        name, _, value = part.partition("=")
        if not (name.strip().isdecimal() and value.strip().isdecimal() and len(value) < 9):
            raise refusals.NotPairs(given=given[:60])
        found[name.strip()] = int(value)
    return found


READERS: dict[str, Reader] = {
    "text": text(2000),
    "whole": whole(),
    "signed": whole(-LARGEST),
    "2": decimal(2),
    "3": decimal(3),
    "6": decimal(6),
    "lat": decimal(6, -90_000_000, 90_000_000),
    "lon": decimal(6, -180_000_000, 180_000_000),
    "words": _list_of(" "),
    "list": _list_of(";"),
    "pairs": _pairs,
}


def _fields(*rows: str) -> tuple[Field, ...]:
    found = []
    for row in rows:
        name, zh, kind, path, *more = row.split()
        default = () if kind in SEPARATORS else None
        column = Column(name, READERS[kind], "!" in more, (zh,), default=default)
        found.append(Field(column, kind, tuple(path.split("."))))  # type: ignore[arg-type]
    return tuple(found)


PLACES = TableOf("places", "地点", _fields(
    "code 代码 text code !", "name_zh 中文名 text name_zh !", "name_en 英文名 text name_en !",
    "kind 类型 text kind !", "lat 纬度 lat lat_udeg !", "lon 经度 lon lon_udeg !", "land 路网 text land !",
    "scheme 编码体系 text scheme",
))  # fmt: skip
ALIASES = TableOf("aliases", "别名", _fields("written 写法 text written !", "code 代码 text code !"))
EQUIPMENT = TableOf("equipment", "箱型", _fields(
    "code 代码 text code !", "kind 类型 text kind !", "length_mm 内长毫米 whole inner_mm.0 !",
    "width_mm 内宽毫米 whole inner_mm.1 !", "height_mm 内高毫米 whole inner_mm.2 !",
    "usable_m3 可用体积立方米 6 usable_cm3 !", "payload_kg 载重千克 3 payload_g !", "teu 标箱数 whole teu !",
    "temperatures 温区 words temperatures !", "source 出处 text source !", "mark 标记 text mark !",
))  # fmt: skip
SERVICES = TableOf("services", "班次", _fields(
    "code 代码 text code !", "mode 方式 text mode !", "origin 起点 text origin !",
    "destination 终点 text destination !", "departs 每周开行(UTC) list departs !",
    "transit_h 在途小时 signed transit_h !", "cutoff_h 截关小时 whole cutoff_h !", "capacity 舱位 signed capacity !",
    "capacity_unit 舱位单位 text capacity_unit !", "distance_km 里程公里 whole distance_km !", "via 途经口岸 words via",
    "delay_h 晚点分位小时 pairs delay.hours", "delay_observed 晚点观察日 text delay.observed",
    "delay_source 晚点出处 text delay.source", "delay_mark 晚点标记 text delay.mark",
    "documents_cutoff_h 截单小时 whole cutoffs.documents_h", "customs_cutoff_h 截放行小时 whole cutoffs.customs_h",
    "vgm_cutoff_h 截重量小时 whole cutoffs.vgm_h", "cutoffs_source 截止出处 text cutoffs.source",
    "cutoffs_mark 截止标记 text cutoffs.mark",
    "valid_from 生效日 text valid_from !", "valid_to 失效日 text valid_to !", "source 出处 text source !",
    "mark 标记 text mark !",
))  # fmt: skip
FREIGHT = TableOf("freight", "运价", _fields(
    "service 班次 text code !", "equipment 箱型 text key !", "price_cny 价格元 2 value !",
), ("services", "freight_minor"))  # fmt: skip
BREAKS = TableOf("breaks", "重量等级", _fields(
    "service 班次 text code !", "from_kg 起点千克 whole from_kg !", "rate_cny_kg 每千克元 2 rate_minor_kg !",
    "minimum_cny 最低元 2 minimum_minor !",
), ("services", "breaks"))  # fmt: skip
ULDS = TableOf("ulds", "集装器运价", _fields(
    "service 班次 text code !", "equipment 箱型 text key !", "pivot_kg 基准千克 whole pivot_kg !",
    "pivot_rate_cny_kg 基准每千克元 2 pivot_rate_minor_kg !", "over_rate_cny_kg 超出每千克元 2 over_rate_minor_kg !",
), ("services", "uld"))  # fmt: skip
CORRIDORS = TableOf("corridors", "通道", _fields(
    "code 代码 text code !", "stuffing_place 装箱地 text stuffing_place !",
    "stripping_place 拆箱地 text stripping_place !", "services 班次 words services !",
    "transfer_h 中转小时 whole transfer_h !", "stuffing_close_h 装箱截止小时 whole stuffing_close_h !",
    "stripping_h 拆箱小时 whole stripping_h !", "customs 监管组 words accepts.customs !",
    "temperature 温区 words accepts.temperature !", "dangerous 危险品类别 words accepts.dangerous !",
    "loose_rate_cny_m3 拼箱每立方米元 2 loose.rate_minor_m3", "loose_max_m3 拼箱上限立方米 whole loose.max_m3",
    "loose_cm3_per_unit 拼箱单位立方厘米 whole loose.cm3_per_unit",
    "loose_g_per_unit 拼箱单位克 whole loose.g_per_unit",
    "loose_minimum_units 拼箱最低单位 whole loose.minimum_units",
    "handling_origin_cny 起点操作费元 2 handling_minor_unit.origin !",
    "handling_destination_cny 终点操作费元 2 handling_minor_unit.destination !",
    "handling_kg_per_m3 操作费折算千克 3 handling_minor_unit.g_per_m3 !", "valid_from 生效日 text valid_from !",
    "source 出处 text source !", "mark 标记 text mark !",
))  # fmt: skip
CHARGES = TableOf("charges", "箱费", _fields(
    "corridor 通道 text code !", "equipment 箱型 text key !", "price_cny 价格元 2 value !",
), ("corridors", "box_charge_minor"))  # fmt: skip
RULES = TableOf("rules", "规则", _fields("name 名称 text name !", "value 值 text value"))
OPTIONS = TableOf("options", "选项", _fields("name 名称 text name !", "value 值 text value"))
USED = TableOf("used", "已占舱位", _fields("departure 班期 text name !", "amount 数量 whole value !"))

WHOLE = (PLACES, EQUIPMENT, SERVICES, CORRIDORS)  # lists of the network
PARTS = (FREIGHT, BREAKS, ULDS, CHARGES)  # rows that belong to a service or a corridor
NETWORK = (*WHOLE, ALIASES, *PARTS, RULES)
NEEDED = ("places", "equipment", "services", "corridors", "rules")


def put(record: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Write a value into nested plain data; a path of digits is a list of three sides."""
    for part in path[:-1]:
        record = record.setdefault(part, {})
    record[path[-1]] = value


def got(record: Mapping[str, Any], path: Sequence[str]) -> Any:
    """The value at a path of plain data; None where there is none."""
    held: Any = record
    for part in path:
        if held is None:
            return None
        held = held[int(part)] if isinstance(held, list) else held.get(part)
    return held


def written(field: Field, value: Any) -> Any:
    """A value as its cell holds it: a number in the column's unit, a list as words."""
    if value is None:
        return ""
    if field.kind in SEPARATORS:
        return SEPARATORS[field.kind].join(value)
    if field.kind == "pairs":
        return "; ".join(f"{name}={held}" for name, held in value.items())
    if field.kind in PLACES_OF:
        return Decimal(value).scaleb(-PLACES_OF[field.kind])
    return value


def flat(held: Any, path: str = "") -> list[tuple[str, Any]]:
    """Nested plain data as (path, value), in order."""
    if isinstance(held, dict):
        return [row for key, value in held.items() for row in flat(value, f"{path}.{key}" if path else key)]
    if isinstance(held, list):
        return [row for index, value in enumerate(held) for row in flat(value, f"{path}.{index}")]
    return [(path, held)]


def nested(rows: Sequence[tuple[str, Any]]) -> Any:
    """The inverse of :func:`flat`: names that count from 0 are a list."""
    whole: dict[str, Any] = {}
    for path, value in rows:
        put(whole, path.split("."), value)
    return _listed(whole)


def _listed(held: Any) -> Any:
    if not isinstance(held, dict):
        return held
    if held and list(held) == [str(index) for index in range(len(held))]:
        return [_listed(value) for value in held.values()]
    return {key: _listed(value) for key, value in held.items()}
