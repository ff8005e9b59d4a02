"""A simulated barrier controller: believes no command that is unsigned, expired, repeated or for another lane."""

import hashlib
import hmac
import json
import threading
import time
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from web.demo.yard.truth import Journal
from web.demo.yard.wire import Wire

RAISE_S, LOWER_S, WAIT_FOR_VEHICLE_S = 0.6, 0.6, 15.0
MAX_AHEAD = timedelta(seconds=5.5)


def signature(key: str, command: Mapping[str, Any]) -> str:
    """HMAC-SHA256 over the canonical JSON of the command without ``sig``, as the maker's manual asks for."""
    body = {name: value for name, value in command.items() if name != "sig"}
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return hmac.new(bytes.fromhex(key), canonical, hashlib.sha256).hexdigest()


class Barrier:
    """Arm, limit switches and the passing loop of one lane. ``vehicle_passed`` is set by the lane's exit loop."""

    def __init__(self, wire: Wire, lane: str, key: str | None, journal: Journal | None = None) -> None:
        self._wire, self._lane, self._key = wire, lane, key
        self._journal = journal or Journal(None)
        self.fault: str | None = None  # mute: takes commands and does nothing; stuck: accepts, and the arm stays down
        self.truck = 0  # which truck of the lane stands in front of the arm, for the truth
        self.opened_by: str | None = None  # the command that the arm is up for
        self.is_locked = False
        self._down = threading.Event()  # a command to close has come, and none to open after it
        self._nonces: deque[str] = deque(maxlen=10_000)
        self._busy = threading.Lock()
        self.is_open = threading.Event()
        self.vehicle_passed = threading.Event()
        wire.on_command = self._take

    def announce(self) -> None:
        """Tell the state of the arm, as after power-up."""
        self._state("OPEN" if self.is_open.is_set() else "CLOSED")

    def _state(self, state: str, cmd_id: str | None = None) -> None:
        self._wire.event("barrier", {"state": state, "lane": self._lane, "cmd_id": cmd_id})

    def _take(self, payload: bytes) -> None:
        command = json.loads(payload)
        if self.fault == "mute":
            return
        fault = self.fault_of(command)
        if fault is not None:
            self._journal.note(self._lane, "refused", cmd_id=command.get("cmd_id"), reason=fault, truck=self.truck)
            self._answer(command, "refused", fault)
            return
        self._nonces.append(command["nonce"])
        self._answer(command, "accepted")
        # Not in the network thread: the arm needs seconds, and receipts must go on being heard.
        if command["action"] in ("close", "lock"):
            self.is_locked = command["action"] == "lock"
            self._down.set()
            threading.Thread(target=self._close, args=(command,), daemon=True).start()
        elif self.fault != "stuck":
            self._down.clear()
            threading.Thread(target=self._open, args=(command,), daemon=True).start()

    def fault_of(self, command: Mapping[str, Any]) -> str | None:
        """Why the controller refuses the command, None when it obeys."""
        if self._key is None or not hmac.compare_digest(signature(self._key, command), str(command.get("sig", ""))):
            return "bad_signature"
        if command["lane"] != self._lane:
            return "wrong_lane"
        return self._stale(command) or self._unfit(command)

    def _stale(self, command: Mapping[str, Any]) -> str | None:
        """Whether the command is old by the server's time, from before the link, or was here before."""
        now, exp = self._wire.server_time(), datetime.fromisoformat(command["exp"])
        if now > exp or exp - now > MAX_AHEAD:
            return "expired"
        if datetime.fromisoformat(command["issued_at"]) < self._wire.link_since + self._wire.clock_offset:
            return "link_lost_since"
        return "nonce_seen" if command["nonce"] in self._nonces else None

    def _unfit(self, command: Mapping[str, Any]) -> str | None:
        if command["action"] not in ("open", "close", "lock"):
            return "unknown_action"
        return "locked" if self.is_locked and command["action"] == "open" else None

    def _answer(self, command: Mapping[str, Any], result: str, reason: str | None = None) -> None:
        body = {"cmd_id": str(command.get("cmd_id", "")), "result": result, "lane": self._lane}
        self._wire.result(body if reason is None else body | {"reason": reason})

    def _open(self, command: Mapping[str, Any]) -> None:
        cmd_id = str(command["cmd_id"])
        with self._busy:
            if self.is_locked:  # the lock came while the arm was getting ready
                self._answer(command, "refused", "locked")
                return
            self.vehicle_passed.clear()
            self._raise(cmd_id)
            self._answer(command, "opened")
            if self._waits_for_vehicle():
                self._answer(command, "passed")
            self._lower(cmd_id)
            self._answer(command, "closed")

    def _close(self, command: Mapping[str, Any]) -> None:
        """The arm comes down, and then the command to close is done; one that is up for a vehicle ends its wait."""
        with self._busy:
            self._state("CLOSED", str(command["cmd_id"]))
            self._answer(command, "closed")

    def _waits_for_vehicle(self) -> bool:
        """Whether a vehicle passed before the arm comes down by itself, or by a command."""
        deadline = time.monotonic() + WAIT_FOR_VEHICLE_S
        while time.monotonic() < deadline and not self._down.is_set():
            if self.vehicle_passed.wait(0.05):
                return True
        return self.vehicle_passed.is_set()

    def open_by_hand(self) -> None:
        """Somebody turns the key on the post: the arm goes up without a command, and down after the vehicle."""
        with self._busy:
            self._down.clear()
            self.vehicle_passed.clear()
            self._raise(None)
            self._waits_for_vehicle()
            self._lower(None)

    def _raise(self, cmd_id: str | None) -> None:
        self._state("OPENING", cmd_id)
        time.sleep(RAISE_S)
        self.opened_by = cmd_id
        self._journal.note(self._lane, "arm_up", cmd_id=cmd_id, truck=self.truck)
        self.is_open.set()
        self._state("OPEN", cmd_id)

    def _lower(self, cmd_id: str | None) -> None:
        self.is_open.clear()
        self._state("CLOSING", cmd_id)
        time.sleep(LOWER_S)
        self._journal.note(self._lane, "arm_down", cmd_id=cmd_id, truck=self.truck)
        self._state("CLOSED", cmd_id)
