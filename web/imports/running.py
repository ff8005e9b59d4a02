"""One file from its first byte to its answer: every bad row found, and all rows entered or none.

A dry run does what the real run does and takes it back, so its verdict is the real one. The content names the file:
who sends the same file again gets the first answer. A file that was refused may be sent again, for what it lacked (an
owner, a place) may be there by then.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

from sqlalchemy.orm import Session

from web.imports import refusals
from web.imports.columns import Fault, Row, Table
from web.imports.intake import Choice, Intake, Kind
from web.imports.reading import BLOCK, open_sheet, titles_of
from wms.db import Database, Scope
from wms.errors import WmsError
from wms.record.service import append_leaf, once

CHUNK = 1_000
MOST_LISTED = 10_000  # bad rows named one by one; beyond it the file is another than meant, and they are counted


@dataclass
class Outcome:
    """What came of a file. ``faults`` is every bad row's first findings; ``n_bad`` counts bad rows."""

    kind: str
    form: str
    encoding: str | None
    sha256: str
    is_dry_run: bool
    n_rows: int = 0
    n_bad: int = 0
    n_taken: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return self.n_bad == 0


class _NothingTaken(Exception):
    """Takes the transaction back: a row was bad, or it was a dry run."""


class _RefusedWhole(Exception):
    """Carries a refusal of the whole file past the record of answers: the same file may be sent again."""

    def __init__(self, refusal: WmsError) -> None:
        self.refusal = refusal


def hash_of(file: IO[bytes]) -> str:
    """Return the SHA-256 of the content in hexadecimal, read a block at a time."""
    file.seek(0)
    digest = hashlib.sha256()
    while block := file.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()


def run(
    database: Database, scope: Scope, kind: Kind, file: IO[bytes], *, event_at: datetime, is_dry_run: bool,
    keep_existing: bool = False, encoding: str | None = None, tell: Callable[[int], None] | None = None,
) -> tuple[Mapping[str, Any] | Outcome, bool]:  # fmt: skip
    """Check the file whole and, unless it is a dry run or a row is bad, enter it.

    Returns the :class:`Outcome` where nothing was entered; where rows were, the stored answer, and whether it was given
    before. ``tell`` hears of the rows read so far. Raises BadFile, or the ledger's refusal of all.
    """
    sha256 = hash_of(file)
    key = f"import:{kind.name}:{sha256}"
    outcome = Outcome(kind.name, "", None, sha256, is_dry_run)
    choice = Choice(key, f"import {sha256[:12]}", event_at, keep_existing)

    def enter(session: Session) -> Mapping[str, Any]:
        try:
            _take_all(session, kind, file, choice, outcome, encoding, tell)
        except WmsError as refusal:
            raise _RefusedWhole(refusal) from refusal
        if is_dry_run or not outcome.is_clean:
            raise _NothingTaken
        said = {"kind": kind.name, "sha256": sha256, "rows": outcome.n_rows, "taken": outcome.n_taken}
        append_leaf(session, "import", said)
        return said | {"form": outcome.form, "encoding": outcome.encoding, "source_doc": choice.source_doc}

    def work(session: Session) -> tuple[Mapping[str, Any], bool]:
        answer = once(session, key, bytes.fromhex(sha256), lambda: enter(session))
        return answer.body, answer.replayed

    try:
        return database.run(scope, work)
    except _NothingTaken:
        return outcome, False
    except _RefusedWhole as whole:
        raise whole.refusal from None


def _take_all(
    session: Session, kind: Kind, file: IO[bytes], choice: Choice, outcome: Outcome, encoding: str | None,
    tell: Callable[[int], None] | None,
) -> None:  # fmt: skip
    sheet = open_sheet(file, encoding)
    outcome.form, outcome.encoding = sheet.form, sheet.encoding
    outcome.n_rows = outcome.n_bad = outcome.n_taken = 0
    outcome.faults.clear()
    intake, chunk = kind.begin(session, choice), []
    if kind.beside:
        intake.beside(_beside(kind, file, outcome))
    n_beside = outcome.n_rows
    for row in Table(kind.columns, sheet).rows():
        outcome.n_rows += 1
        if tell is not None and outcome.n_rows % CHUNK == 0:
            tell(outcome.n_rows)
        if isinstance(row, list):
            _note(outcome, row)
            continue
        chunk.append(row)
        if len(chunk) == CHUNK:
            _take(intake, chunk, outcome)
            chunk = []
    if chunk:
        _take(intake, chunk, outcome)
    _note_all(outcome, *intake.finish())
    if outcome.n_rows == n_beside:
        raise refusals.EmptyFile(name="")
    outcome.faults.sort(key=lambda fault: fault.row)


def _beside(kind: Kind, file: IO[bytes], outcome: Outcome) -> list[Row]:
    """The good rows of the second sheet; the bad ones are noted. Any other sheet with something on it is refused."""
    good: list[Row] = []
    for title in titles_of(file)[1:]:
        if title.strip().lower() not in kind.beside_titles:
            raise refusals.UnknownSheet(sheet=title[:60], sheets=", ".join(kind.beside_titles))
        for row in Table(kind.beside, open_sheet(file, title=title)).rows():
            outcome.n_rows += 1
            if isinstance(row, Row):
                good.append(row)
                continue
            for fault in row:
                fault.refusal.field = f"{kind.beside_titles[0]}.{fault.refusal.field}"
            _note(outcome, row)
    return good


def _take(intake: Intake, chunk: list[Row], outcome: Outcome) -> None:
    _note_all(outcome, *intake.take(chunk))


def _note_all(outcome: Outcome, n_taken: int, faults: list[Fault]) -> None:
    outcome.n_taken += n_taken
    by_row: dict[int, list[Fault]] = {}
    for fault in faults:
        by_row.setdefault(fault.row, []).append(fault)
    for found in by_row.values():
        _note(outcome, found)


def _note(outcome: Outcome, faults: list[Fault]) -> None:
    outcome.n_bad += 1
    if len(outcome.faults) < MOST_LISTED:
        outcome.faults.extend(faults)
