"""Deaths and restarts are told in one line; a program that dies all the time does not flood the console."""

from pathlib import Path

from web.machine.console import Narrator


def told(lines: list[str], *, stopping: bool = False) -> list[str]:
    said: list[str] = []
    narrator = Narrator(Path("/logs/supervisor.log"), said.append)
    if stopping:
        narrator.expect_ends()
    for line in lines:
        narrator.tell(line)
    return said


KILLED = [
    "2026-01-01 10:00:00,000 INFO spawned: 'web' with pid 71\n",
    "2026-01-01 10:00:01,000 INFO success: web entered RUNNING state\n",
    "2026-01-01 10:00:02,000 WARN exited: web (terminated by SIGKILL; not expected)\n",
    "2026-01-01 10:00:03,000 INFO spawned: 'web' with pid 72\n",
]


def test_tells_name_pid_and_signal_of_a_death_and_the_restart() -> None:
    assert told(KILLED) == [
        "web (pid 71) died: terminated by SIGKILL. Restarting it.",
        "web was restarted (pid 72).",
    ]


def test_a_first_start_is_no_news() -> None:
    assert told(KILLED[:2]) == []


def test_ends_that_were_asked_for_are_no_news() -> None:
    assert told(KILLED, stopping=True) == []


def test_tells_what_had_to_be_killed() -> None:
    line = "2026-01-01 10:00:00,000 WARN killing 'worker' (9) with SIGKILL\n"
    assert told([line], stopping=True) == ["worker (pid 9) did not end in time and was killed."]


def test_a_program_that_keeps_dying_is_told_of_once() -> None:
    said = told(KILLED * 20)
    assert len(said) == 7
    assert said[-1] == "web keeps dying: terminated by SIGKILL. Its last words are in /logs/web.out"
