"""Command barcodes."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wms.floor.rules import commands, mistakes
from wms.floor.rules.commands import Command, Verb


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("CONFIRM", Command(Verb.CONFIRM)),
        (" confirm ", Command(Verb.CONFIRM)),
        ("BACK", Command(Verb.BACK)),
        ("DAMAGED", Command(Verb.DAMAGED)),
        ("UNDO", Command(Verb.UNDO)),
        ("UNDO 6f0c-1", Command(Verb.UNDO, text="6f0c-1")),
        ("QTY 12", Command(Verb.QTY, qty=12)),
        ("qty12", Command(Verb.QTY, qty=12)),
        ("QTY-0007", Command(Verb.QTY, qty=7)),
        ("REASON full", Command(Verb.REASON, text="FULL")),
    ],
)
def test_reads_commands(text: str, command: Command) -> None:
    assert commands.parse(text) == command


@pytest.mark.parametrize("text", ["A-01", "6901234567892", "CONFIRMED", "", "UNDOING", "BACKDOCK"])
def test_leaves_other_text_alone(text: str) -> None:
    assert commands.parse(text) is None


@pytest.mark.parametrize("text", ["QTY 0", "QTY 1000001", "QTY", "QTY 1.5", "QTY -3", "QTY ٣", "QTY two"])
def test_refuses_quantities_that_cannot_be_counted(text: str) -> None:
    with pytest.raises(mistakes.BadQuantity):
        commands.parse(text)


def test_refuses_a_reason_that_is_not_on_the_list() -> None:
    with pytest.raises(mistakes.UnknownReason):
        commands.parse("REASON LAZY")


@given(st.text(max_size=40))
def test_only_ever_refuses_by_name(text: str) -> None:
    with contextlib.suppress(mistakes.BadQuantity, mistakes.UnknownReason):
        commands.parse(text)
