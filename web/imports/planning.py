"""A planner's problem from files: consignments as CSV or XLSX, their pieces, the network; or JSON as before.

Every bad row is named by sheet, line, column and rule. What the planner's own checks say of a record is told of the
row that it came from.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from routing.io import MOST_CONSIGNMENTS, document_of, problem_of
from routing.network import Network, yueyang
from routing.problem import BadProblem, Fault, Problem
from routing.units import instant_s, iso
from web.imports import columns as cells
from web.imports import goods, refusals
from web.imports.columns import Column, Table
from web.imports.reading import open_sheet, titles_of
from wms.errors import WmsError

MOST_BYTES = 400_000_000
MOST_FAULTS = 10_000
GOODS_SHEETS = ("consignments", "货物", "托运单")
INDEXED = re.compile(r"^(network\.)?([a-z_]+)\.(\d+)(?:\([^)]*\))?(?:\.(.*))?$")


@dataclass
class Found:
    """The faults of all files, named one by one up to a number and counted beyond it."""

    listed: list[Fault] = field(default_factory=list)
    more: int = 0

    def add(self, where: str, refusal: WmsError) -> None:
        """A row's fault."""
        self.fault(Fault(where, refusal.code, refusal.text % refusal.values if refusal.values else refusal.text))

    def fault(self, fault: Fault) -> None:
        """A fault as it is."""
        if len(self.listed) < MOST_FAULTS:
            self.listed.append(fault)
        else:
            self.more += 1

    def refuse(self) -> None:
        """Raise BadProblem where there is any."""
        if self.listed:
            more = [Fault("(files)", "more_faults", f"{self.more} more bad cells")] if self.more else []
            raise BadProblem([*self.listed, *more])


@dataclass(frozen=True)
class Place:
    """Where a record came from."""

    sheet: str
    line: int


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """The file, opened. Raises BadProblem where it cannot be read or is refused as a whole."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadProblem([Fault(path.name, "too_large", f"the file has more than {MOST_BYTES} bytes")])
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise BadProblem([Fault(path.name, "unreadable", f"{path}: {error.strerror}")]) from error
    except refusals.BadFile as bad:
        raise BadProblem([Fault(path.name, bad.code, str(bad))]) from bad


def is_sheet(path: Path) -> bool:
    """Whether the file is a spreadsheet or CSV by its name."""
    return path.suffix.lower() in {".csv", ".xlsx", ".xlsm", ".tsv", ".txt"}


def rows_of(
    file: IO[bytes], name: str, title: str | None, columns: tuple[Column, ...], found: Found
) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """The good rows of a sheet; faults of the others are added to ``found``."""
    sheet = f"sheet {title}" if title is not None else name
    table = Table(columns, open_sheet(file, title=title, most_rows=MOST_CONSIGNMENTS))
    for row in table.rows():
        if isinstance(row, list):
            for fault in row:
                found.add(f"{sheet}, line {fault.row}: {fault.refusal.field}", fault.refusal)
        else:
            yield Place(sheet, row.number), row.values


def read_goods(path: Path, pieces: Path | None, network: Network, found: Found) -> tuple[list[Any], list[Place]]:
    """The consignments of a file as plain data, and where each stands."""
    with whole_file(path) as file:
        titles = titles_of(file)
        title = _title(titles, GOODS_SHEETS) or (titles[0] if titles else None)
        beside = _title(titles, goods.PIECE_SHEETS)
        for strange in titles:
            if strange not in {title, beside}:
                known = (*GOODS_SHEETS, *goods.PIECE_SHEETS)
                raise refusals.UnknownSheet(sheet=strange[:60], sheets=", ".join(known))
        lot = goods.Lot([])
        if beside is not None:
            lot = _lot(file, path.name, beside, found)
        if pieces is not None:
            with whole_file(pieces) as other:
                lot = _lot(other, pieces.name, None, found)
        return _goods(file, path.name, title, lot, network, found)


def _title(titles: list[str], known: tuple[str, ...]) -> str | None:
    return next((title for title in titles if title.strip().lower() in known), None)


def _lot(file: IO[bytes], name: str, title: str | None, found: Found) -> goods.Lot:
    rows = rows_of(file, name, title, goods.PIECES, found)
    return goods.Lot(cells.Row(place.line, values) for place, values in rows)


def _goods(
    file: IO[bytes], name: str, title: str | None, lot: goods.Lot, network: Network, found: Found
) -> tuple[list[Any], list[Place]]:
    known = {place.code for place in network.places}
    seen: dict[str, int] = {}
    documents, places = [], []
    for place, values in rows_of(file, name, title, goods.GOODS, found):
        number = values["consignment_no"]
        where = f"{place.sheet}, line {place.line}"
        try:
            if number in seen:
                raise refusals.RowTwice(field="consignment_no", given=number[:60], row=seen[number])
            seen[number] = place.line
            form = lot.put(goods.form_of(values, 0, lambda written: network.official(written) in known))
        except WmsError as refusal:
            found.add(f"{where}: {refusal.field}", refusal)
            continue
        documents.append(goods.document_of(form, values["owner"]))
        places.append(place)
    for fault in lot.left():
        found.add(f"pieces, line {fault.row}: consignment_no", fault.refusal)
    if not seen and not found.listed:
        raise refusals.EmptyFile(name=name)
    return documents, places


def read_any(
    path: Path, *, pieces: Path | None = None, start: str | None = None, weeks: int | None = None
) -> Problem:
    """The problem in files. Raises BadProblem with every fault found, each by sheet, line, column and rule.

    JSON holds a whole problem; ``start`` and ``weeks`` then take the place of its own. A sheet holds
    consignments; without ``start`` nothing leaves before the first of them is ready.
    """
    if not is_sheet(path):
        document = document_of(path)
        return problem_of(_over(document, start, weeks) if isinstance(document, dict) else document)
    found = Found()
    known = yueyang()
    documents, places = read_goods(path, pieces, known, found)
    found.refuse()
    options = {"start_at": _start(start) or min(one["ready_at"] for one in documents), "weeks": weeks or 4}
    whole = {"network": known.model_dump(mode="json"), "options": options, "consignments": documents}
    return told(whole, {"consignments": places})


def _over(document: dict[str, Any], start: str | None, weeks: int | None) -> dict[str, Any]:
    options = dict(document.get("options") or {})
    if start is not None:
        options["start_at"] = _start(start)
    if weeks is not None:
        options["weeks"] = weeks
    return document | {"options": options}


def _start(given: str | None) -> str | None:
    if given is None:
        return None
    try:
        return iso(instant_s(given))
    except ValueError as error:
        raise BadProblem([Fault("--start", "no_instant", str(error))]) from error


def told(document: dict[str, Any], places: Mapping[str, list[Place]]) -> Problem:
    """The problem; what is wrong with a record is told of its row. ``places``: where each record of a list stands."""
    try:
        return problem_of(document)
    except BadProblem as bad:
        raise BadProblem(Fault(_where(one.field, places), one.rule, one.text) for one in bad.faults) from bad


def _where(name: str, places: Mapping[str, list[Place]]) -> str:
    found = INDEXED.match(name)
    if found is None or found[2] not in places or int(found[3]) >= len(places[found[2]]):
        return name
    place = places[found[2]][int(found[3])]
    return f"{place.sheet}, line {place.line}" + (f": {found[4]}" if found[4] else "")
