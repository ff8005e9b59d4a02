"""A planner's problem as a spreadsheet that reads back as it was, and the empty form to begin with."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from routing.changes import NONE
from routing.problem import BadProblem, Fault, Problem
from web.downloads import book_bytes
from web.imports import network_tables as tables
from web.imports.goods import PARTS, PIECES, PLANNED, examples
from web.imports.network_tables import TableOf

Sheet = tuple[str, Sequence[str], Sequence[Sequence[Any]]]
BARE = tuple(column for column in PLANNED if not column.name.startswith("piece") and "beijing" not in column.name)


def book_of(problem: Problem) -> bytes:
    """The whole problem: consignments, pieces, options and each table of its network. Raises BadProblem."""
    if problem.changes != NONE:
        text = "a problem with changes is kept as JSON: a spreadsheet has no sheet for what has happened since"
        raise BadProblem([Fault("changes", "not_for_sheets", text)])
    document = problem.model_dump(mode="json")
    return book_bytes([*_goods(document["consignments"]), *_options(document["options"]), *network_sheets(document)])


def form_book(network: Mapping[str, Any] | None, *, is_chinese: bool = False) -> bytes:
    """The empty form with an example row each; with a network, its tables too."""
    parts = (("consignments", BARE), ("pieces", PIECES))
    sheets: list[Sheet] = [(title, _heads(columns, is_chinese), [examples(columns)]) for title, columns in parts]
    return book_bytes([*sheets, *(network_sheets({"network": network}) if network is not None else ())])


def _heads(columns: Any, is_chinese: bool) -> list[str]:
    return [column.names[0] if is_chinese and column.names else column.name for column in columns]


def _goods(consignments: list[dict[str, Any]]) -> Iterator[Sheet]:
    rows, pieces = [], []
    for one in consignments:
        rows.append([_cell(name, one) for name in _heads(BARE, False)])
        pieces += [
            (one["id"], piece["count"], *(_scaled(piece[f"{part[:-3]}_mm"], 1) for part in PARTS[1:4]),
             _scaled(piece["weight_g"], 3))
            for piece in one["pieces"]
        ]  # fmt: skip
    yield "consignments", _heads(BARE, False), rows
    yield "pieces", _heads(PIECES, False), pieces


NAMES = {
    "consignment_no": "id", "trade_mode": "customs_mode", "temperature_class": "temperature",
    "dangerous_class": "dangerous",
}  # fmt: skip
SCALED = {"volume_m3": ("volume_cm3", 6), "weight_kg": ("weight_g", 3), "value_cny": ("value_minor", 2)}


def _cell(name: str, one: Mapping[str, Any]) -> Any:
    if name in SCALED:
        return _scaled(one[SCALED[name][0]], SCALED[name][1])
    if name == "must_go":
        return "yes" if one["must_go"] else "no"
    return one.get(NAMES.get(name, name)) or ""


def _scaled(value: int, places: int) -> Decimal:
    return Decimal(value).scaleb(-places)


def _options(options: Mapping[str, Any]) -> Iterator[Sheet]:
    used = options["used"]
    yield "options", ("name", "value"), tables.flat({name: value for name, value in options.items() if name != "used"})
    if used:
        yield "used", ("departure", "amount"), list(used.items())


def network_sheets(document: Mapping[str, Any]) -> Iterator[Sheet]:
    """The tables of a network."""
    network = document["network"]
    for table in tables.WHOLE:
        yield table.title, _heads(table.columns, False), [_row(table, record) for record in network[table.title]]
    yield "aliases", ("written", "code"), list(network["aliases"].items())
    for part in tables.PARTS:
        yield part.title, _heads(part.columns, False), list(_parts(part, network))
    yield "rules", ("name", "value"), tables.flat(network["rules"] | {"canals": network.get("canals", {})})


def _parts(part: TableOf, network: Mapping[str, Any]) -> Iterator[list[Any]]:
    assert part.inside is not None
    whole, name = part.inside
    for record in network[whole]:
        held = record.get(name) or ()
        rows = held if part is tables.BREAKS else [
            {"key": key} | (value if isinstance(value, dict) else {"value": value}) for key, value in dict(held).items()
        ]  # fmt: skip
        for row in rows:
            values = {"code": record["code"], **row}
            yield _row(part, values)


def _row(table: TableOf, record: Mapping[str, Any]) -> list[Any]:
    return [tables.written(one, tables.got(record, one.path)) for one in table.fields]
