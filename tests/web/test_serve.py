"""How a web process keeps short what stops all its threads."""

import gc
import sys
from collections.abc import Iterator

import pytest

from web.serve import GARBAGE_AFTER, SWITCH_S, pause_less


@pytest.fixture
def as_before() -> Iterator[None]:
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("as_before")
def test_what_is_loaded_is_not_searched_for_garbage_again() -> None:
    pause_less()
    assert gc.get_freeze_count() > 10_000
    assert gc.get_threshold() == GARBAGE_AFTER
    assert sys.getswitchinterval() == pytest.approx(SWITCH_S)
