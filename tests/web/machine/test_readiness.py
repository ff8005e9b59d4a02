"""What `dongting up` waits for: everything, but not for the messages of before the start."""

import json

import pytest

from web.machine.readiness import LATE, _is_only_late


def said(*broken: str) -> bytes:
    checks = {f"broken {n}": {"ok": False, "detail": detail} for n, detail in enumerate(broken)}
    return json.dumps({"checks": checks | {"database": {"ok": True, "detail": ""}}}).encode()


@pytest.mark.parametrize(
    ("body", "is_enough"),
    [
        (said(f"127.0.0.1:1883 listens; {LATE}: 10470 messages wait, the oldest for 61 s"), True),
        (said(f"127.0.0.1:1883 listens; {LATE}: 3 messages wait", "no worker"), False),
        (said("no ingest process gives a sign of life"), False),
        (said(), False),
        (b"nonsense", False),
    ],
)
def test_messages_that_wait_from_before_do_not_keep_it_from_being_ready(body: bytes, is_enough: bool) -> None:
    assert _is_only_late(body) is is_enough
