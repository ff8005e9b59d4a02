"""docs/gate.md names every hold as the program does."""

from pathlib import Path

from wms.gate.rules import HOLDS

PAGE = Path(__file__).parents[3] / "docs" / "gate.md"


def test_the_page_lists_every_hold_in_the_words_of_the_program() -> None:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    said = [f"| `{h.code}`: {h.officer.en} | {'yes' if h.needs_second else 'no'} |" for h in HOLDS.values()]
    assert lines == said
