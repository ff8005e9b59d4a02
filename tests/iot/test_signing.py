"""Signed envelopes: right ones open, wrong and missing ones are kept, flagged, alarmed, and open nothing."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from iot.inbox import store
from iot.parsing import parse_waiting
from iot.register import arrival, load
from iot.signing import BadKey, KeyKnown, NoDevice, add_key, canonical, demand, hmac_key, retire_key
from tests.iot.world import SECRET, Sender, rows, site_with
from wms.db import Database, Scope

EARLIER = datetime.now(UTC) - timedelta(days=1)
ED = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = ED.public_key().public_bytes_raw()


@pytest.fixture
def gate(database: Database, scope: Scope) -> Sender:
    return site_with(database, scope, "gate")[0]


def with_ed25519(body: dict[str, Any], kid: str = "k1", key: Ed25519PrivateKey = ED) -> dict[str, Any]:
    value = base64.b64encode(key.sign(canonical(body))).decode()
    return body | {"sig": {"kid": kid, "alg": "ed25519", "value": value}}


def with_hmac(body: dict[str, Any], device: str, kid: str) -> dict[str, Any]:
    made = hmac.new(hmac_key(SECRET, device, kid), canonical(body), hashlib.sha256).digest()
    return body | {"sig": {"kid": kid, "alg": "hmac-sha256", "value": base64.b64encode(made).decode()}}


def understood(database: Database, scope: Scope, gate: Sender, body: dict[str, Any]) -> tuple[bool, list[str]]:
    """Whether the reading of a message that comes now is live, and its flags."""
    payload = json.dumps(body, ensure_ascii=False).encode()
    with database.unit_of_work(scope) as session:
        register = load(session, SECRET)
        sender = register.by_code[gate.code]
        came = arrival(register, sender, gate.topic(), payload, qos=1, door="embedded", limit_bytes=10**6)
        store(session, [came])
        parse_waiting(session, register)
    [row] = rows(database, scope, "SELECT is_live, flags FROM reading ORDER BY id DESC LIMIT 1")
    return row.is_live, row.flags


def alarms(database: Database, scope: Scope) -> set[str]:
    return {code for (code,) in rows(database, scope, "SELECT code FROM device_alarm")}


def test_nobody_asks_for_a_signature_unless_the_register_does(database: Database, scope: Scope, gate: Sender) -> None:
    assert understood(database, scope, gate, gate.envelope()) == (True, [])


def test_what_must_be_signed_and_is_not_is_kept_and_opens_nothing(
    database: Database, scope: Scope, gate: Sender
) -> None:
    with database.unit_of_work(scope) as session:
        add_key(session, gate.code, "k1", EARLIER, PUBLIC)
        demand(session, gate.code, must_sign=True)
    assert understood(database, scope, gate, gate.envelope()) == (False, ["unsigned"])
    assert alarms(database, scope) == {"unsigned"}


def test_a_right_signature_of_either_kind_is_trusted(database: Database, scope: Scope, gate: Sender) -> None:
    with database.unit_of_work(scope) as session:
        add_key(session, gate.code, "k1", EARLIER, PUBLIC)
        add_key(session, gate.code, "h1", EARLIER)
        demand(session, gate.code, must_sign=True)
    assert understood(database, scope, gate, with_ed25519(gate.envelope(seq=1))) == (True, [])
    assert understood(database, scope, gate, with_hmac(gate.envelope(seq=2), gate.code, "h1")) == (True, [])
    assert not alarms(database, scope)


def forged(wrong: str, gate: Sender) -> dict[str, Any]:
    body = with_ed25519(gate.envelope())
    match wrong:
        case "content":
            body["data"] = {"loop": "exit", "occupied": True}
        case "key":
            body = with_ed25519(gate.envelope(), key=Ed25519PrivateKey.from_private_bytes(b"x" * 32))
        case "kid":
            body["sig"]["kid"] = "k2"
        case "alg":
            body["sig"]["alg"] = "none"
        case "value":
            body["sig"]["value"] = "not base64 !"
        case "shape":
            body["sig"] = ["k1"]
        case "null":
            body["sig"]["value"] = None
        case "another_device":
            body = with_hmac(gate.envelope(), "another", "h1")
    return body


@pytest.mark.parametrize("wrong", ["content", "key", "kid", "alg", "value", "shape", "null", "another_device"])
def test_a_wrong_signature_opens_nothing_whether_asked_for_or_not(
    wrong: str, database: Database, scope: Scope, gate: Sender
) -> None:
    with database.unit_of_work(scope) as session:
        add_key(session, gate.code, "k1", EARLIER, PUBLIC)
        add_key(session, gate.code, "h1", EARLIER)
    assert understood(database, scope, gate, forged(wrong, gate)) == (False, ["bad_signature"])
    assert alarms(database, scope) == {"bad_signature"}


def test_keys_overlap_while_a_device_changes_from_one_to_the_next(
    database: Database, scope: Scope, gate: Sender
) -> None:
    new = Ed25519PrivateKey.from_private_bytes(b"n" * 32)
    with database.unit_of_work(scope) as session:
        demand(session, gate.code, must_sign=True)
        add_key(session, gate.code, "k1", EARLIER, PUBLIC)
        add_key(session, gate.code, "k2", EARLIER, new.public_key().public_bytes_raw())
        add_key(session, gate.code, "k3", datetime.now(UTC) + timedelta(days=1), PUBLIC)
    assert understood(database, scope, gate, with_ed25519(gate.envelope(seq=1)))[0]
    assert understood(database, scope, gate, with_ed25519(gate.envelope(seq=2), "k2", new))[0]
    assert not understood(database, scope, gate, with_ed25519(gate.envelope(seq=3), "k3"))[0]  # does not hold yet
    with database.unit_of_work(scope) as session:
        retire_key(session, gate.code, "k1", EARLIER)
    assert not understood(database, scope, gate, with_ed25519(gate.envelope(seq=4)))[0]
    assert understood(database, scope, gate, with_ed25519(gate.envelope(seq=5), "k2", new))[0]


def test_bad_keys_are_refused_by_name(database: Database, scope: Scope, gate: Sender) -> None:
    with database.unit_of_work(scope) as session:
        add_key(session, gate.code, "k1", EARLIER, PUBLIC)
        with pytest.raises(KeyKnown):
            add_key(session, gate.code, "k1", EARLIER, PUBLIC)
        with pytest.raises(BadKey):
            add_key(session, gate.code, "k 2", EARLIER, PUBLIC)
        with pytest.raises(BadKey):
            add_key(session, gate.code, "k2", EARLIER, b"short")
        with pytest.raises(NoDevice):
            add_key(session, "nobody", "k1", EARLIER, PUBLIC)
        with pytest.raises(NoDevice):
            retire_key(session, gate.code, "k9", EARLIER)
