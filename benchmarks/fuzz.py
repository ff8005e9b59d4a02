"""Hostile payloads for every device format: samples changed with an eye for their structure, and raw bytes.

``python -m benchmarks.fuzz [--seconds S] [--seed N]`` prints one JSON line and ends with 1 when a format raised, gave
the fault ``unreadable`` (something its author did not foresee), gave what cannot be stored, or took longer than
:data:`SLOWEST_S`. :func:`run` is the same for ``make soak``; :func:`check` is one payload, for the tests.
"""

import argparse
import copy
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from iot import devices
from iot.devices.base import Message
from iot.events import Fault, as_json
from tests.iot.devices.samples import SAMPLES
from tests.iot.devices.shape import Sample

SLOWEST_S = 2.0
HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**31, 2**63, 2**64, 10**400, -(10**400), 1e308, float("nan"), float("inf"), -0.0,
    "", " ", "\0", "\ud800", "a\0b", "9" * 400, "1e999", "NaN", "2026-02-30T25:61:61Z", "9999-12-31T23:59:60+14:00",
    "0000-00-00T00:00:00Z", "湘F·12345" * 300, "../../etc", "<a/>", "=1+1", [], {}, [[]], [None], {"": {}},
    ["x"] * 3000,
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """What a payload did that none may do."""

    format: str
    what: str
    payload: bytes
    topic: str | None


def check(name: str, message: Message) -> str:
    """What is wrong with a format's answer to one message; empty when nothing is."""
    try:
        results = devices.parse(name, message)
        compared = devices.compare(name, message, results, {})
        again = devices.compare(name, message, results, compared.memory)
    except Exception as why:  # noqa: BLE001 - that none is raised is what is tested
        return f"raised {type(why).__name__}: {why}"
    json.dumps(compared.memory)
    if not results:
        return "no result"
    for one in (*results, *compared.results, *again.results):
        if isinstance(one, Fault) and one.fault == "unreadable":
            return f"unforeseen: {one.detail}"
        try:
            written = json.dumps(as_json(one), allow_nan=False, ensure_ascii=False)
            if not isinstance(one, Fault):  # a fault's words are made storable where they are written
                written.encode()
        except (ValueError, TypeError, UnicodeEncodeError) as why:
            return f"cannot be stored: {why}"
    return ""


def changed(sample: Sample, dice: random.Random) -> bytes:
    """The sample's payload, changed once or a few times."""
    payload = sample.payload
    for _ in range(dice.choice((1, 1, 2, 4))):
        payload = dice.choice(CHANGES)(payload, dice)
    return payload


def _field(payload: bytes, dice: random.Random) -> bytes:
    """Another value in one place of a JSON document, or the place gone, doubled or nested."""
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        return _bytes(payload, dice)
    places = _places(body)
    if not places:
        return payload
    node, at = dice.choice(places)
    how = dice.random()
    if how < 0.7:
        node[at] = copy.deepcopy(dice.choice(HOSTILE))
    elif how < 0.8:
        del node[at]
    elif how < 0.9:
        node[at] = [node[at], node[at]]
    else:
        node[at] = {"value": node[at]}
    return json.dumps(body, ensure_ascii=dice.random() < 0.8).encode("utf-8", "surrogatepass")


def _places(body: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [body]
    while waiting and len(found) < 2000:
        node = waiting.pop()
        inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for at, value in inside:
            found.append((node, at))
            waiting.append(value)
    return found


def _bytes(payload: bytes, dice: random.Random) -> bytes:
    """Some bytes other, gone, doubled or put in."""
    raw = bytearray(payload)
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(len(raw) + 1)
        how = dice.randrange(4)
        if how == 0 and at < len(raw):
            raw[at] = dice.choice((0, 255, 0x7F, dice.randrange(256)))
        elif how == 1:
            del raw[at : at + dice.randint(1, 12)]
        elif how == 2:
            raw[at:at] = dice.randbytes(dice.randint(1, 6))
        else:
            raw[at:at] = raw[at : at + dice.randint(1, 40)]
    return bytes(raw)


def _cut(payload: bytes, dice: random.Random) -> bytes:
    return payload[: dice.randrange(len(payload) + 1)]


def _charset(payload: bytes, dice: random.Random) -> bytes:
    name = dice.choice(("utf-16", "utf-32", "gb18030", "utf-8-sig", "big5"))
    return payload.decode("utf-8", "replace").encode(name, "replace")


def _deep(payload: bytes, dice: random.Random) -> bytes:
    depth = dice.choice((50, 1_000, 60_000))
    opening, closing = dice.choice(((b"[", b"]"), (b'{"a":', b"}"), (b"<a>", b"</a>"), (b"(", b")")))
    return opening * depth + payload[:200] + closing * dice.choice((0, depth))


def _long(payload: bytes, dice: random.Random) -> bytes:
    return payload * dice.choice((2, 50, 400))


def _raw(payload: bytes, dice: random.Random) -> bytes:
    return payload[: dice.randint(0, 4)] + dice.randbytes(dice.randint(0, 300))


CHANGES: Sequence[Callable[[bytes, random.Random], bytes]] = (
    *(_field,) * 8,
    *(_bytes,) * 4,
    _cut,
    _charset,
    _deep,
    _long,
    _raw,
)
TOPICS = (None, "", "/", "#", "wms/v1/CLJ/gate/d1/event", "a/" * 400, "\ud800", "spBv1.0/g/NDATA/n", "x/onvif-ej/a")


def run(seconds: float = 60.0, seed: int = 1, rounds: int | None = None) -> tuple[int, list[Finding], float]:
    """Payloads tried, what was found, and the slowest answer in seconds. ``rounds`` ends it by count, not by time."""
    dice = random.Random(seed)
    until, tried, slowest = time.monotonic() + seconds, 0, 0.0
    findings: list[Finding] = []
    while (tried < rounds) if rounds is not None else (time.monotonic() < until):
        sample = SAMPLES[tried % len(SAMPLES)]
        payload = changed(sample, dice)
        name = sample.format if dice.random() < 0.9 else dice.choice(sorted(devices.FORMATS))
        topic = sample.topic if dice.random() < 0.9 else dice.choice(TOPICS)
        began = time.perf_counter()
        wrong = check(name, Message(payload=payload, topic=topic, profile=sample.profile))
        took = time.perf_counter() - began
        slowest = max(slowest, took)
        if rounds is None and took > SLOWEST_S:
            wrong = wrong or f"took {took:.1f} s"
        if wrong:
            findings.append(Finding(name, wrong, payload[:2000], topic))
        tried += 1
    return tried, findings, slowest


def main() -> int:
    """Run from the command line."""
    given = argparse.ArgumentParser(prog="python -m benchmarks.fuzz")
    given.add_argument("--seconds", type=float, default=60.0)
    given.add_argument("--seed", type=int, default=1)
    told = given.parse_args()
    tried, findings, slowest = run(told.seconds, told.seed)
    body = {"name": "fuzz", "seed": told.seed, "payloads": tried, "slowest_ms": round(slowest * 1000, 1)}
    print(json.dumps({**body, "findings": len(findings), "ok": not findings}))
    for one in findings[:20]:
        print(json.dumps({"format": one.format, "what": one.what, "payload": repr(one.payload[:300])}), file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
