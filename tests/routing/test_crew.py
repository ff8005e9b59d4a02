"""Many boxes in processes of their own get the answers that they get one after the other."""

from __future__ import annotations

import pytest

from routing import crew
from routing.generate import problem as generated
from routing.stowage import Stower


def test_boxes_loaded_in_processes_are_those_loaded_here(monkeypatch: pytest.MonkeyPatch) -> None:
    one = generated(60, seed=5)
    boxes = [("20GP", range(9)), ("40HQ", range(10, 30)), ("40HQ", range(30, 50))]
    here, there = Stower(one, work=1), Stower(one, work=1)
    here.ask_all(boxes)
    monkeypatch.setattr(crew, "MANY", 2)
    there.ask_all(boxes)
    assert [here.ask(*box) for box in boxes] == [there.ask(*box) for box in boxes]
    assert here.asked == there.asked == 3
