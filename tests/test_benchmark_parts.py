"""Parts of a benchmark, and results that are kept one by one."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks import parts


def test_a_part_holds_the_named_and_no_more_than_asked() -> None:
    names = ["c33_a", "c37_a", "c37_b"]
    assert parts.WHOLE.of(names) == names
    assert parts.WHOLE.whole
    assert parts.Part("c37").of(names) == ["c37_a", "c37_b"]
    assert parts.Part("c37", 1).of(names) == ["c37_a"]
    assert not parts.Part(instances=2).whole


def test_a_kept_result_is_not_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "KEPT", tmp_path)
    asked: list[int] = []

    def measure() -> dict[str, Any]:
        asked.append(1)
        return {"gap": len(asked)}

    assert parts.kept("design", "c37", measure, keep=False) == {"gap": 1}
    assert parts.kept("design", "c37", measure, keep=True) == {"gap": 2}
    assert parts.kept("design", "c37", measure, keep=True) == {"gap": 2}
    assert parts.kept("design", "c49", measure, keep=True) == {"gap": 3}
    assert not list(tmp_path.rglob("*.part"))


def test_what_is_left_to_measure_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(parts, "KEPT", tmp_path)
    parts.kept("rounds", "100_1", dict, keep=True)
    parts.announce("rounds", {"100_1": 1230, "100_2": 1200})
    assert "1 of 2 results" in capsys.readouterr().err
