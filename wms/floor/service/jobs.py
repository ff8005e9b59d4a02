"""What a job of the scan page is: how it follows the screen and answers commands and labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wms.codes.gs1 import Label
from wms.floor.rules.answers import Answer, Expect
from wms.floor.rules.commands import Command
from wms.floor.service.desk import Desk

if TYPE_CHECKING:
    from wms.floor.service.scanning import TakeScan


@dataclass(frozen=True)
class Job:
    """One job. Its functions raise a WmsError for a mistake; the scan answers with it and books nothing.

    ``follow_screen`` makes what the clerk chose on the screen the desk's own before the scan is understood.
    """

    name: str
    follow_screen: Callable[[Desk, TakeScan, Label], None]
    command: Callable[[Desk, Command], Answer]
    step: Callable[[Desk, Label], Answer]
    expects: Callable[[Desk], tuple[Expect, ...]]
