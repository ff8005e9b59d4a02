"""Lists as arrays: whatever the way they are written, the database reads back what was sent."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

BIGINT = st.integers(-(2**63), 2**63 - 1)
# What a text column takes: no NUL, no half of a surrogate pair.
WORDS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
TIMES = settings(max_examples=100, deadline=None)


def back(session: Session, kind: str, sent: list[Any]) -> object:
    return session.execute(text(f"SELECT cast(:sent AS {kind}[])"), {"sent": sent}).scalar_one()


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("bigint", []), ("bigint", [1, None, -3]), ("bigint", [None, None]), ("bigint", [2**63 - 1, -(2**63)]),
        ("text", []), ("text", ["L-1", "", "NULL", "a,b", "{}", " x "]), ("text", ['say "ho"', "back\\slash"]),
        ("text", ["岳阳", "line\nbreak", "tab\t"]), ("text", ["one", None]), ("boolean", [True, False, None]),
        ("bytea", [b"\x00\xff"]), ("bigint", [[1, 2], [3, 4]]),
    ],
)  # fmt: skip
def test_a_list_comes_back_as_it_was_sent(session: Session, kind: str, sent: list[Any]) -> None:
    assert back(session, kind, sent) == sent


def test_any_numbers_and_words_come_back(session: Session) -> None:
    @TIMES
    @given(st.lists(BIGINT | st.none()), st.lists(WORDS))
    def whatever(numbers: list[int | None], words: list[str]) -> None:
        assert back(session, "bigint", numbers) == numbers
        assert back(session, "text", words) == words

    whatever()
