"""Public network design files: what is read, and each mistake named by line, field and rule."""

from pathlib import Path

import pytest

from routing.design.ctsndp import read_ctsndp
from routing.design.dow import read_dow
from routing.design.instance import Arc, Commodity
from routing.problem import BadProblem

TIMED = """NODES,3
1,1,-,-
2,2,-,-
3,3,-,-
ARCS,2
0,1,2,6,905,638,1646.0,1646,1646.0
1,2,3,1,10,20,5.0,5,5.0
COMMODITIES,1
0,1,3,58,2203,4709.0,2203,4709.0
horizon=1542
"""
FLOWS = """MULTIGEN.DAT:
  3  2  1
  1  2  6  638  905  1  13
  2  3  1  20   10   1  13
  1  3  58
"""


def test_reads_a_timed_file(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text(TIMED)
    instance = read_ctsndp(tmp_path / "one.txt")
    assert instance.arcs == (Arc(0, 1, 6, 905, 638, 1646), Arc(1, 2, 1, 10, 20, 5))
    assert instance.commodities == (Commodity(0, 2, 58, 2203, 4709),)


def test_reads_a_canad_file(tmp_path: Path) -> None:
    (tmp_path / "one.dow").write_text(FLOWS)
    instance = read_dow(tmp_path / "one.dow")
    assert instance.arcs == (Arc(0, 1, 6, 905, 638), Arc(1, 2, 1, 10, 20))
    assert instance.commodities == (Commodity(0, 2, 58),)


@pytest.mark.parametrize(
    ("old", "new", "field", "rule"),
    [
        ("NODES,3", "NODE,3", "line 1, section", "missing_section"),
        ("NODES,3", "NODES,-3", "line 1, count", "too_small"),
        ("NODES,3", "NODES", "line 1, count", "missing"),
        ("2,2,-,-", "5,5,-,-", "line 3, index", "order"),
        ("0,1,2,6", "0,1,9,6", "line 6, head", "too_large"),
        ("0,1,2,6", "0,1,1,6", "line 6, head", "same_node"),
        ("0,1,2,6,905,638", "0,1,2,6,905,0", "line 6, capacity", "too_small"),
        ("0,1,2,6,905,638", "0,1,2,6,905,-4", "line 6, capacity", "too_small"),
        ("0,1,2,6,905", "0,1,2,6.5,905", "line 6, variable cost", "not_whole"),
        ("0,1,2,6,905", "0,1,2,six,905", "line 6, variable cost", "not_whole"),
        ("0,1,2,6,905", "0,1,2,6,nan", "line 6, fixed cost", "not_whole"),
        ("1646.0,1646,1646.0", "1646.0,0,1646.0", "line 6, transit in minutes", "too_small"),
        ("58,2203", "0,2203", "line 9, quantity", "too_small"),
        ("2203,4709.0\n", "2203,2203.0\n", "line 9, due in minutes", "before_release"),
        ("2203,4709.0\n", "2203\n", "line 9, due in minutes", "missing"),
        ("COMMODITIES,1", "COMMODITIES,3", "line 10, index", "not_whole"),
        ("horizon=1542\n", "", "", ""),
        ("horizon=1542", "1,1,3,58", "line 10, section", "unknown_section"),
    ],
)
def test_each_mistake_of_a_timed_file_is_named(tmp_path: Path, old: str, new: str, field: str, rule: str) -> None:
    assert old in TIMED
    (tmp_path / "bad.txt").write_text(TIMED.replace(old, new))
    if not field:
        read_ctsndp(tmp_path / "bad.txt")
        return
    with pytest.raises(BadProblem) as refused:
        read_ctsndp(tmp_path / "bad.txt")
    assert (refused.value.faults[0].field, refused.value.faults[0].rule) == (field, rule)


@pytest.mark.parametrize(
    ("old", "new", "field", "rule"),
    [
        ("  3  2  1\n", "  3  2\n", "line 2, commodities", "missing"),
        ("  3  2  1\n", "  3  3  1\n", "line 5, variable cost", ""),
        ("638  905", "638  -1", "line 3, fixed cost", "too_small"),
        ("1  3  58", "1  3  0", "line 5, demand", "too_small"),
        ("1  3  58", "3  3  58", "line 5, destination", "same_node"),
        ("  1  3  58\n", "", "line 4", "cut_off"),
        ("  1  3  58\n", "  1  3  58\n 1 2 3\n", "line 6, line", "too_many_lines"),
    ],
)
def test_each_mistake_of_a_canad_file_is_named(tmp_path: Path, old: str, new: str, field: str, rule: str) -> None:
    assert old in FLOWS
    (tmp_path / "bad.dow").write_text(FLOWS.replace(old, new))
    with pytest.raises(BadProblem) as refused:
        read_dow(tmp_path / "bad.dow")
    if rule:
        assert (refused.value.faults[0].field, refused.value.faults[0].rule) == (field, rule)


def test_a_file_that_is_missing_empty_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for name, rule in (("none", "unreadable"), ("empty", "cut_off"), ("bytes", "not_utf8")):
        for read in (read_ctsndp, read_dow):
            with pytest.raises(BadProblem) as refused:
                read(tmp_path / name)
            assert refused.value.faults[0].rule == rule
