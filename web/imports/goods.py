"""Consignments in sheets: the columns of each row, its pieces beside it or in a sheet of their own, and what it says.

Sizes are in m3, kg and cm, money in CNY, each read exactly; instants say their zone or stand in the columns of Beijing
time. The planner's console and the desk read the same form.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from web.imports import refusals
from web.imports.columns import (
    TEMPERATURES,
    Column,
    Fault,
    Row,
    among,
    beijing,
    decimal,
    instant,
    money,
    text,
    whole,
    yes_no,
)
from wms.errors import WmsError
from wms.freight.rules import ConsignmentForm, Piece, check_form

SIDES = (("length", "长"), ("width", "宽"), ("height", "高"))
KINDS_OF_PIECES = 8
PARTS = ("count", "length_cm", "width_cm", "height_cm", "weight_kg")
PIECE_SHEETS = ("pieces", "件", "货件", "件数明细")
INSTANTS = ("ready_at", "due_at", "latest_at")


def trade_mode(given: str) -> str:
    """Four digits; a spreadsheet makes 110 of 0110."""
    if not (len(given) == 4 and given.isascii() and given.isdecimal()):
        raise refusals.NotTradeMode(given=given[:60])
    return given


def _piece_columns(before: str, zh: str, *, is_needed: bool, example: Mapping[str, str]) -> tuple[Column, ...]:
    cm = [
        Column(f"{before}{side}_cm", decimal(1, 1, 1_000_000), is_needed, (f"{zh}{word}厘米",), example.get(side, ""))
        for side, word in SIDES
    ]
    return (
        Column(f"{before}count", whole(1, 1_000_000), is_needed, (f"{zh}件数",), example.get("count", "")),
        *cm,
        Column(f"{before}weight_kg", decimal(3, 1), is_needed, (f"{zh}单件千克",), example.get("weight", "")),
    )


EXAMPLE = {"count": "20", "length": "60", "width": "40", "height": "35.5", "weight": "12.5"}
GOODS = (
    Column("consignment_no", text(64), True, ("托运单号", "id", "编号"), "HB-2026-0001"),
    Column("owner", text(64), True, ("货主", "owner_code"), "LAKE"),
    Column("forwarder", text(64), names=("货代", "forwarder_code")),
    Column("goods_name", text(200), names=("品名",), example="Tea 茶叶"),
    Column("origin", text(20), True, ("起运地", "from"), "CNYYA"),
    Column("destination", text(20), True, ("目的地", "to"), "DEHAM"),
    Column("trade_mode", trade_mode, True, ("监管方式", "customs_mode"), "0110"),
    Column("temperature_class", among(*TEMPERATURES.values(), words=TEMPERATURES), names=("温区", "temperature"),
           example="ambient", default="ambient"),
    Column("dangerous_class", text(20), names=("危险品类别", "dangerous"), example="none", default="none"),
    Column("volume_m3", decimal(6), True, ("体积立方米", "cbm"), "2.5"),
    Column("weight_kg", decimal(3), True, ("毛重千克", "gross_weight_kg"), "430.5"),
    Column("value_cny", money(), True, ("货值元", "value"), "88000.00"),
    Column("ready_at", instant, names=("可提货时间",), example="2026-12-01T08:00+08:00"),
    Column("ready_at_beijing", beijing, names=("可提货时间(北京时间)",)),
    Column("due_at", instant, names=("要求送达时间",), example="2027-02-01T18:00+08:00"),
    Column("due_at_beijing", beijing, names=("要求送达时间(北京时间)",)),
    Column("latest_at", instant, names=("最迟送达时间",)),
    Column("latest_at_beijing", beijing, names=("最迟送达时间(北京时间)",)),
    Column("must_go", yes_no, names=("必须发运",), example="no", default=False),
    *_piece_columns("piece1_", "货件1", is_needed=False, example=EXAMPLE),
    *(one for n in range(2, KINDS_OF_PIECES + 1)
      for one in _piece_columns(f"piece{n}_", f"货件{n}", is_needed=False, example={})),
)  # fmt: skip
PLANNED = (*GOODS, Column("priority", whole(0, 9), names=("应急优先级",), default=0))  # the desk ranks relief itself
PIECES = (
    Column("consignment_no", text(64), True, ("托运单号", "id", "编号"), "HB-2026-0001"),
    *_piece_columns("", "", is_needed=True, example=EXAMPLE),
)


def form_of(values: Mapping[str, Any], owner_id: int, knows: Callable[[str], bool]) -> ConsignmentForm:
    """What a row announces. Raises the refusal of the first rule that it breaks, which names its column.

    ``knows`` tells whether a written place is one of the network's codes or aliases.
    """
    for name in ("origin", "destination"):
        if not knows(values[name]):
            raise refusals.UnknownPlace(field=name, given=values[name])
    ready_at, due_at, latest_at = (_instant(values, name) for name in INSTANTS)
    for name, moment in (("ready_at", ready_at), ("due_at", due_at)):
        if moment is None:
            raise refusals.CellMissing(field=name, column=name)
    form = ConsignmentForm(
        consignment_no=values["consignment_no"], owner_id=owner_id, goods_name=values["goods_name"] or "",
        origin=values["origin"], destination=values["destination"], trade_mode=values["trade_mode"],
        temperature_class=values["temperature_class"], dangerous_class=values["dangerous_class"],
        volume_cm3=values["volume_m3"], weight_g=values["weight_kg"], value_minor=values["value_cny"],
        ready_at=ready_at, due_at=due_at, latest_at=latest_at,  # type: ignore[arg-type]
        must_go=values["must_go"], pieces=tuple(_pieces(values)),
    )  # fmt: skip
    check_form(form)
    return form


def _instant(values: Mapping[str, Any], name: str) -> datetime | None:
    one, other = values[name], values[f"{name}_beijing"]
    if one is not None and other is not None:
        raise refusals.InstantTwice(field=name, one=name, other=f"{name}_beijing")
    found: datetime | None = one if one is not None else other
    return found


def _pieces(values: Mapping[str, Any]) -> Iterator[Piece]:
    for n in range(1, KINDS_OF_PIECES + 1):
        given = [values[f"piece{n}_{part}"] for part in PARTS]
        if any(part is not None for part in given):
            if None in given:
                missing = next(name for name, part in zip(PARTS, given, strict=True) if part is None)
                raise refusals.PieceIncomplete(field=f"piece{n}_{missing}")
            yield Piece(*given)


def document_of(form: ConsignmentForm, owner: str, priority: int = 0) -> dict[str, Any]:
    """The consignment as the planner's plain data."""
    return {
        "id": form.consignment_no, "owner": owner, "origin": form.origin, "destination": form.destination,
        "customs_mode": form.trade_mode, "temperature": form.temperature_class, "dangerous": form.dangerous_class,
        "volume_cm3": form.volume_cm3, "weight_g": form.weight_g, "pieces": [vars(one) for one in form.pieces],
        "value_minor": form.value_minor, "ready_at": _iso(form.ready_at), "due_at": _iso(form.due_at),
        "latest_at": _iso(form.latest_at) if form.latest_at is not None else None,
        "must_go": form.must_go, "priority": priority,
    }  # fmt: skip


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Lot:
    """The pieces of a second sheet, by consignment, each taken once."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows: dict[str, list[Row]] = {}
        for row in rows:
            self._rows.setdefault(row.values["consignment_no"], []).append(row)

    def put(self, form: ConsignmentForm) -> ConsignmentForm:
        """The form with its pieces. Raises PiecesTwice and the refusals of check_form."""
        rows = self._rows.pop(form.consignment_no, None)
        if rows is None:
            return form
        if form.pieces:
            raise refusals.PiecesTwice(field="consignment_no", given=form.consignment_no)
        whole = replace(form, pieces=tuple(Piece(*(row.values[part] for part in PARTS)) for row in rows))
        check_form(whole)
        return whole

    def left(self) -> list[Fault]:
        """Pieces of consignments that no good row named."""
        found = []
        for number, rows in self._rows.items():
            refusal: WmsError = refusals.PiecesOfNobody(field="pieces.consignment_no", given=number[:60])
            found.append(Fault(rows[0].number, refusal))
        return found


def examples(columns: Sequence[Column]) -> list[str]:
    """The example row of a template."""
    return [column.example for column in columns]
