"""How each kind of barrier controller is told to move, and what its answers mean (devices reference, section 7).

Our own takes signed commands and answers each step itself. A Zhenshi camera opens its barrier on ``gate_direct_open``:
it knows neither signature nor expiry, so the five seconds are kept on our side alone (the outbox never sends what has
expired). Its reply with code 200 means *accepted* and no more; ``barr_gate_status`` is the proof that the arm moved,
and the lane's exit loop that the vehicle passed.
"""

import json
from collections.abc import Mapping
from typing import Any

from iot import topics
from wms.gate.tables import BarrierCommand

ZHENSHI = "zhenshi"
OPEN_NOW = "gate_direct_open"


def zhenshi_message(command: BarrierCommand) -> tuple[str, bytes] | None:
    """Topic and payload of a command to a Zhenshi camera; None for what its interface does not have."""
    if command.action != "open":
        return None
    body = {
        "id": str(command.cmd_id), "sn": command.device, "name": OPEN_NOW, "version": "1.0",
        "timestamp": int(command.issued_at.timestamp()), "payload": {"type": OPEN_NOW, "body": {}},
    }  # fmt: skip
    return f"device/{command.device}/message/down/{OPEN_NOW}", json.dumps(body).encode()


def own_message(command: BarrierCommand, site_code: str, body: Mapping[str, Any]) -> tuple[str, bytes]:
    """Topic and payload of a signed command to a controller that speaks our own envelope."""
    topic = topics.Topic(site_code, "gate", command.device, topics.CMD)
    return str(topic), json.dumps(body, ensure_ascii=False).encode()


def result_of_state(state: str) -> str | None:
    """Which step of a command a sensor's state proves, for a controller that tells no steps itself."""
    return {"open": "opened", "closed": "closed"}.get(state)
