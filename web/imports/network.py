"""A planner's network from one spreadsheet with a sheet a table, a folder of CSVs, or JSON."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from routing.io import document_of
from routing.network import yueyang_document
from routing.problem import BadProblem, Fault
from web.imports import network_tables as tables
from web.imports import refusals
from web.imports.finding import Found, Place, Places, is_sheet, rows_of, title_of, whole_file
from web.imports.network_tables import TableOf
from web.imports.reading import titles_of
from wms.errors import WmsError

Rows = Iterator[tuple[Place, Mapping[str, Any]]]
Opener = Callable[[TableOf], Rows | None]


def read_network(path: Path | str, found: Found, places: Places) -> Any:
    """The network as plain data: of the folder or file, or `yueyang`. Faults are added to ``found``."""
    if str(path) == "yueyang":
        return yueyang_document()
    path = Path(path)
    if not path.is_dir() and not is_sheet(path):
        document = document_of(path)
        return document.get("network", document) if isinstance(document, dict) else document
    with ExitStack() as open_files:
        if path.is_dir():
            return _network(path.name, _of_folder(path, found, open_files), found, places)
        return network_of_book(path, found, places)


def network_of_book(path: Path, found: Found, places: Places) -> Any:
    """The network in the sheets of a spreadsheet."""
    with whole_file(path) as file:
        titles = titles_of(file)

        def opened(table: TableOf) -> Rows | None:
            title = title_of(titles, (table.title, table.other))
            return rows_of(file, path.name, title, table.columns, found) if title is not None else None

        return _network(path.name, opened, found, places)


def _of_folder(folder: Path, found: Found, open_files: ExitStack) -> Opener:
    known = {name.lower() for table in tables.NETWORK for name in (table.title, table.other)}
    for one in sorted(folder.iterdir()):
        if one.suffix.lower() == ".csv" and one.stem.lower() not in known:
            refusal = refusals.UnknownSheet(sheet=one.name[:60], sheets=", ".join(one.title for one in tables.NETWORK))
            found.add(folder.name, refusal)

    def opened(table: TableOf) -> Rows | None:
        for name in (table.title, table.other):
            path = folder / f"{name}.csv"
            if path.exists():
                return rows_of(open_files.enter_context(whole_file(path)), path.name, None, table.columns, found)
        return None

    return opened


def _network(name: str, opened: Opener, found: Found, places: Places) -> dict[str, Any]:
    document: dict[str, Any] = {"aliases": {}}
    for table in tables.WHOLE:
        document[table.title] = list(_records(table, opened(table) or iter(()), places))
    for part in tables.PARTS:
        _join(part, opened(part) or iter(()), document, found)
    for place, values in opened(tables.ALIASES) or ():
        if values["written"] in document["aliases"]:
            found.add(f"{place.words}: written", refusals.ValueTwice(given=values["written"][:60]))
        document["aliases"][values["written"]] = values["code"]
    rules = [(values["name"], values["value"]) for _place, values in opened(tables.RULES) or ()]
    document["rules"] = tables.nested(rules)
    if "canals" in document["rules"]:
        document["canals"] = document["rules"].pop("canals")
    for title in tables.NEEDED:
        if not document[title] and not found.listed:
            raise BadProblem([Fault(name, "missing_sheet", f"there is no sheet {title} with rows")])
    return document


def _records(table: TableOf, rows: Rows, places: Places) -> Iterator[dict[str, Any]]:
    for field in table.fields:
        places.call(table.title, ".".join(field.path), field.column.name)
    for place, values in rows:
        record: dict[str, Any] = {}
        for field in table.fields:
            value = values[field.column.name]
            if value is not None:
                tables.put(record, field.path, value)
        if "inner_mm" in record:
            record["inner_mm"] = list(record["inner_mm"].values())
        if table is tables.CORRIDORS:
            record.setdefault("loose", None)
        places.add(table.title, record["code"], place)
        yield record


def _join(part: TableOf, rows: Rows, document: dict[str, Any], found: Found) -> None:
    """Rows of prices go to the service or corridor that they name."""
    assert part.inside is not None
    whole, name = part.inside
    records = {one["code"]: one for one in document[whole]}
    is_list = part is tables.BREAKS
    for one in document[whole]:
        one.setdefault(name, [] if is_list else {})
    for place, values in rows:
        first = part.fields[0].column.name
        record = records.get(values[first])
        try:
            if record is None:
                raise refusals.NotInSheet(field=first, given=values[first][:60], sheet=whole)
            held = {one.path[0]: values[one.column.name] for one in part.fields[1:]}
            if is_list:
                record[name].append(held)
                continue
            key = held.pop("key")
            if key in record[name]:
                raise refusals.ValueTwice(field="equipment", given=f"{values[first]} {key}"[:60])
            record[name][key] = held.get("value", held)
        except WmsError as refusal:
            found.add(f"{place.words}: {refusal.field}", refusal)
