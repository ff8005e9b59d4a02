"""The plans of PostgreSQL itself: which large tables a use case reads from end to end."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from wms.db import Database, Scope

PLANNED = ("SELECT", "WITH", "UPDATE", "DELETE")


def scans_of(plan: dict[str, Any], large: Collection[str]) -> Iterator[str]:
    """Those of ``large`` that a plan reads from end to end."""
    if plan["Node Type"] == "Seq Scan" and plan["Relation Name"] in large:
        yield plan["Relation Name"]
    for below in plan.get("Plans", ()):
        yield from scans_of(below, large)


def whole_tables(
    database: Database, scope: Scope, act: Callable[[Session], object], large: Collection[str]
) -> dict[str, list[str]]:
    """Statement → tables of ``large`` it reads whole, of all that ``act`` sends; nothing of it is kept."""
    sent: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, ___: Any, many: bool) -> None:
        sent.append((statement, parameters[0] if many else parameters))

    with database.unit_of_work(scope) as session:
        event.listen(database.engine, "before_cursor_execute", note)
        try:
            act(session)
        finally:
            event.remove(database.engine, "before_cursor_execute", note)
        found = {}
        for statement, parameters in sent:
            if statement.lstrip().upper().startswith(PLANNED) and "set_config" not in statement:
                explained = session.connection().exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
                tables = sorted(set(scans_of(explained.scalar_one()[0]["Plan"], large)))
                if tables:
                    found[statement] = tables
        session.rollback()
    return found
