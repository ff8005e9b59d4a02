"""A taken port is stepped over; an impossible address is told."""

import socket
import subprocess
import sys

import pytest

from web.machine.ports import CannotListen, NoFreePort, free_port


def test_takes_the_wanted_port_when_it_is_free() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    assert free_port("127.0.0.1", free).stepped_over == ()


def test_steps_over_taken_ports_and_says_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        found = free_port("127.0.0.1", port)
    assert found.port > port
    assert port in found.stepped_over


def test_steps_over_a_port_that_another_program_of_ours_takes() -> None:
    first = free_port("127.0.0.1", 43_210)
    assert free_port("127.0.0.1", first.port, frozenset({first.port})).port != first.port


def test_steps_over_a_port_that_another_start_is_going_to_take() -> None:
    chooses = "from web.machine.ports import free_port; print(free_port('127.0.0.1', 43_310).port, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", chooses], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        theirs = int(other.stdout.readline())
        assert theirs in free_port("127.0.0.1", theirs).stepped_over
        other.stdin.close()


def test_refuses_an_address_of_another_machine() -> None:
    with pytest.raises(CannotListen, match=r"192\.0\.2\.1"):
        free_port("192.0.2.1", 8000)


def test_says_when_no_port_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.machine.ports._is_free", lambda _host, _port: False)
    with pytest.raises(NoFreePort, match="from 65500 to 65535"):
        free_port("127.0.0.1", 65_500)
