"""A planner's problem from files: consignments as CSV or XLSX, their pieces, the network; or JSON as before.

Every bad row is named by sheet, line, column and rule. What the planner's own checks say of a record is told of the
row that it came from.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from routing.canals import with_canals
from routing.io import document_of, problem_of
from routing.problem import BadProblem, Fault, Problem
from routing.units import instant_s, iso
from web.imports import columns as cells
from web.imports import goods, refusals
from web.imports import network_tables as tables
from web.imports.finding import Found, Place, Places, is_sheet, rows_of, title_of, whole_file
from web.imports.network import network_of_book, read_network
from web.imports.reading import titles_of
from wms.errors import WmsError

GOODS_SHEETS = ("consignments", "货物", "托运单")
TABLES = (*tables.NETWORK, tables.OPTIONS, tables.USED)
KNOWN_SHEETS = (*goods.PIECE_SHEETS[:1], *(one.title for one in TABLES))
OTHER_SHEETS = (*goods.PIECE_SHEETS, *KNOWN_SHEETS, *(one.other for one in TABLES))


class Book:
    """A file of consignments and what else its sheets hold."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with whole_file(path) as file:
            self.titles = titles_of(file)
            for title in self.titles:
                if len(self.titles) > 1 and title.strip().lower() not in (*GOODS_SHEETS, *OTHER_SHEETS):
                    raise refusals.UnknownSheet(sheet=title[:60], sheets=", ".join((*GOODS_SHEETS[:1], *KNOWN_SHEETS)))
        self.goods = title_of(self.titles, GOODS_SHEETS) or (self.titles[0] if self.titles else None)
        self.pieces = title_of(self.titles, goods.PIECE_SHEETS)

    def has_network(self) -> bool:
        """Whether it brings a network of its own."""
        return any(title_of(self.titles, (one.title, one.other)) is not None for one in tables.NETWORK)

    def options(self, found: Found) -> dict[str, Any]:
        """The options of the problem and the room that earlier plans have taken."""
        options: dict[str, Any] = {}
        for values in self._rows(tables.OPTIONS, found):
            options[values["name"]] = values["value"]
        used = {values["departure"]: values["amount"] for values in self._rows(tables.USED, found)}
        return options | ({"used": used} if used else {})

    def _rows(self, table: tables.TableOf, found: Found) -> Iterator[Mapping[str, Any]]:
        title = title_of(self.titles, (table.title, table.other))
        if title is None:
            return
        seen = set()
        with whole_file(self.path) as file:
            for place, values in rows_of(file, self.path.name, title, table.columns, found):
                name = next(iter(values.values()))
                if name in seen:
                    found.add(place.words, refusals.ValueTwice(given=name[:60]))
                seen.add(name)
                yield values

    def consignments(
        self, pieces: Path | None, knows: Callable[[str], bool], found: Found, places: Places
    ) -> list[dict[str, Any]]:
        """The consignments as plain data."""
        with whole_file(self.path) as file:
            lot = goods.Lot([])
            if self.pieces is not None:
                lot = _lot(file, self.path.name, self.pieces, found)
            if pieces is not None:
                if self.pieces is not None:
                    raise BadProblem([Fault("--pieces", "pieces_twice", f"{self.path.name} has a sheet of pieces")])
                with whole_file(pieces) as other:
                    lot = _lot(other, pieces.name, None, found)
            documents = []
            for place, document in _goods(file, self, lot, knows, found):
                places.add("consignments", document["id"], place)
                documents.append(document)
        for fault in lot.left():
            name = self.pieces if self.pieces is not None else pieces.name if pieces is not None else ""
            found.add(f"sheet {name}, line {fault.row}: consignment_no", fault.refusal)
        return documents


def _lot(file: IO[bytes], name: str, title: str | None, found: Found) -> goods.Lot:
    rows = rows_of(file, name, title, goods.PIECES, found)
    return goods.Lot(cells.Row(place.line, values) for place, values in rows)


def _goods(
    file: IO[bytes], book: Book, lot: goods.Lot, knows: Callable[[str], bool], found: Found
) -> Iterator[tuple[Place, dict[str, Any]]]:
    seen: dict[str, int] = {}
    for place, values in rows_of(file, book.path.name, book.goods, goods.PLANNED, found):
        number = values["consignment_no"]
        try:
            if number in seen:
                raise refusals.RowTwice(field="consignment_no", given=number[:60], row=seen[number])
            seen[number] = place.line
            form = lot.put(goods.form_of(values, 0, knows))
        except WmsError as refusal:
            found.add(f"{place.words}: {refusal.field}", refusal)
            continue
        yield place, goods.document_of(form, values["owner"], values["priority"])
    if not seen and not found.listed:
        raise refusals.EmptyFile(name=book.path.name)


def read_any(
    path: Path, *, network: Path | None = None, pieces: Path | None = None, start: str | None = None,
    weeks: int | None = None, quantile: int | None = None, canals: Sequence[str] = (),
) -> Problem:  # fmt: skip
    """The problem in files. Raises BadProblem with every fault found, each by sheet, line, column and rule.

    JSON holds a whole problem, a spreadsheet consignments and what other sheets it has; ``network``, ``start``,
    ``weeks`` and ``quantile`` take the place of what stands there. Where neither says when to start, nothing leaves
    before the first consignment is ready. ``canals``: suez=open and the like; the sea services then go that way.
    """
    found, places = Found(), Places()
    if is_sheet(path):
        document = _of_sheets(path, network, pieces, found, places)
    else:
        document = document_of(path)
        if network is not None and isinstance(document, dict):
            document = document | {"network": read_network(network, found, places)}
    found.refuse()
    if not isinstance(document, dict):
        return problem_of(document)
    given = {"start_at": _start(start), "weeks": weeks, "quantile": quantile}
    given = {name: value for name, value in given.items() if value is not None}
    if given:
        document = document | {"options": dict(document.get("options") or {}) | given}
    try:
        problem = problem_of(document)
    except BadProblem as bad:
        raise places.told(bad) from bad
    wanted: dict[Any, Any] = dict(one.split("=") for one in canals)
    return problem.model_copy(update={"network": with_canals(problem.network, wanted)}) if wanted else problem


def _of_sheets(
    path: Path, network: Path | None, pieces: Path | None, found: Found, places: Places
) -> dict[str, Any]:  # fmt: skip
    book = Book(path)
    if network is None and book.has_network():
        moves = network_of_book(path, found, places)
    else:
        moves = read_network(network or "yueyang", found, places)
    listed = book.consignments(pieces, _knows(moves), found, places)
    options = book.options(found)
    first = min((one["ready_at"] for one in listed), default="")
    return {"network": moves, "options": {"start_at": first} | options, "consignments": listed}


def _knows(network: Any) -> Callable[[str], bool]:
    """Whether a written place is one of the network's codes or aliases."""
    if not isinstance(network, dict):
        return lambda _written: True  # refused as a whole afterwards
    codes = {one.get("code") for one in network.get("places", ()) if isinstance(one, dict)}
    aliases = network.get("aliases") or {}
    return lambda written: aliases.get(written.strip().upper(), written.strip().upper()) in codes


def _start(given: str | None) -> str | None:
    if given is None:
        return None
    try:
        return iso(instant_s(given))
    except ValueError as error:
        raise BadProblem([Fault("--start", "no_instant", str(error))]) from error
