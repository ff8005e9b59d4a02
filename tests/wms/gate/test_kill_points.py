"""The transaction that confirms a passage, killed before each of its statements: all or nothing, and goods once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, func, select

from tests.build import now
from tests.wms.gate.world import balance, command_of, crossing, make_pass, make_world, seen_of
from wms.customs.tables import GatePass
from wms.db import Database, Scope
from wms.gate.service import CommandStep, close_passage, decide_passage, expire_or_send, record_result
from wms.gate.tables import GatePassUse, Passage, Release
from wms.gate.verify import findings

QTY = 7


class Killed(BaseException):
    """The process ended here; nothing below may catch it."""


@contextmanager
def dying(database: Database, before: int) -> Iterator[None]:
    """Die before statement ``before`` of what is done inside; the commit counts as one."""
    done = 0

    def count(*_: Any) -> None:
        nonlocal done
        done += 1
        if done == before:
            raise Killed

    for name in ("before_cursor_execute", "commit"):
        event.listen(database.engine, name, count)
    try:
        yield
    finally:
        for name in ("before_cursor_execute", "commit"):
            event.remove(database.engine, name, count)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["passed", "exit"])
def test_killed_before_any_statement_nothing_has_left_and_the_goods_leave_once(
    database: Database, scope: Scope, how: str
) -> None:
    with database.unit_of_work(scope) as session:
        world = make_world(session)
        gate_pass = make_pass(session, world, qty=QTY)
        lifted = decide_passage(session, crossing(world.lane, seen_of(gate_pass)))
        command = command_of(session, lifted.passage_id)
        expire_or_send(session, command, now())
        for result in ("accepted", "opened"):
            record_result(session, CommandStep(command.cmd_id, command.device, result, now()))
        passed = CommandStep(command.cmd_id, command.device, "passed", now())
        pass_id = gate_pass.id

    def confirm() -> None:
        with database.unit_of_work(scope) as session:
            if how == "passed":
                record_result(session, passed)
            else:
                close_passage(session, lifted.passage_id, at=now(), went_through=True)

    def stands() -> tuple[Any, ...]:
        with database.unit_of_work(scope) as session:
            return (
                session.scalar(select(Passage.state).where(Passage.id == lifted.passage_id)),
                session.scalar(select(Release.state).where(Release.passage_id == lifted.passage_id)),
                session.scalar(select(GatePass.state).where(GatePass.id == pass_id)),
                session.scalar(select(func.count()).select_from(GatePassUse)),
                balance(session, "customer", world.shelf),
                balance(session, "declared_not_left", world.shelf),
            )

    kills = 0
    while True:
        try:
            with dying(database, kills + 1):
                confirm()
            break
        except Killed:
            kills += 1
            assert stands() == ("released", "granted", "approved", 0, 0, QTY), f"killed before statement {kills}"
    assert kills > 20
    gone = ("passed", "used", "passed", 1, QTY, 0)
    assert stands() == gone
    confirm()
    assert stands() == gone
    with database.unit_of_work(scope) as session:
        assert [str(one) for one in findings(session)] == []
