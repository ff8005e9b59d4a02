"""The evidence of one passage as files of a signed bundle, and whether such files agree with each other.

A signature says who vouches for the files. That they tell one story is another matter, and is checked from the files
alone: the decision's inputs are those whose hash the record holds, each reading has its bytes, and the rules, asked
again, give the stored answer.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from wms.customs.tables import GatePass
from wms.errors import N_
from wms.gate.queries import Explained
from wms.gate.rules import VERSIONS, Hold, case_from_payload, decide
from wms.record.bundles import Fault, document

INPUTS, DECISION, READINGS, RECORD = "decision/inputs.json", "decision/decision.json", "readings.json", "record.json"
NOT_PASS_FACTS = frozenset({"tenant_id", "id", "owner_id", "site_id"})

FAULTS = {
    "unreadable": N_("This file cannot be read as what it should be."),
    "reading_bytes_missing": N_("Reading %(what)s names bytes that are not in the bundle."),
    "reading_bytes_differ": N_("The bytes of reading %(what)s are not those that were received."),
    "leaf_differs": N_("Fact %(what)s of the record does not have the hash that the record holds."),
    "no_decision_leaf": N_("The record holds no fact about this decision."),
    "inputs_differ": N_("These are not the inputs that the decision was recorded with."),
    "decision_differs": N_("The decision is not the one that was recorded: %(what)s."),
    "replay_differs": N_("The rules, asked again with these inputs, give another answer: %(what)s."),
}

README = """\
Evidence of one passage through a gate / 一次卡口通行的证据包

1. Every file is as it was / 文件未被改动:
       sha256sum -c SHA256SUMS
2. The list of files was signed / 清单已签名 (OpenSSL 1.1.1 or later; RFC 8032, Ed25519):
       openssl pkeyutl -verify -pubin -inkey public_key.pem -rawin -in manifest.json -sigfile manifest.sig
   manifest.json names every file with its SHA-256, SHA256SUMS and public_key.pem among them.
3. Whose key it is / 公钥的归属: compare the key id with the one that the installation told you by another way
   (page of the gate, `dongting evidence key`, or on paper). Key id = first 32 hexadecimal signs of the SHA-256 of
   the raw public key (32 bytes):
       openssl pkey -pubin -in public_key.pem -outform DER | tail -c 32 | sha256sum
4. Or all of it, and whether the files agree with each other / 或一次核验全部内容, without a database:
       dongting evidence verify FILE --key-id KEYID

passage.json         the passage: lane, vehicle, times, state / 通行
decision/            inputs of the decision (their SHA-256 is in the record), its checks in order / 判定输入与逐项结果
readings.json        every reading, used or not and why / 全部读数
readings/            their bytes as the devices sent them / 原始字节
pass.json            the gate pass with its documents and goods / 核放单、单证与货物
releases.json        who released, why, and who agreed / 放行人、理由、复核人
commands.json        what the barrier was told and what it answered / 道闸指令与回执
postings.json        the posting by which the goods left the ledger / 出库过账
media.json           pictures and clips by address and SHA-256; frames stay in the recorder / 图片与录像的地址与哈希
record.json          facts of the record about this passage; record/ holds their bytes,
                     each hashed as SHA-256(0x00 || bytes) (RFC 9162, 2.1.1) / 存证记录
"""


def files_of(
    found: Explained, raw: Mapping[int, Mapping[str, Any]], payloads: Mapping[int, bytes], media: Mapping[str, Any]
) -> dict[str, bytes]:
    """Return the files of a passage's bundle.

    ``raw``: how each reading's message came, by reading id, without its bytes; ``payloads``: the bytes by the id of
    the message in the inbox; ``media``: pictures and clips as they are known.
    """
    files = {
        "README.txt": README.encode(),
        "passage.json": document(asdict(found.passage)),
        DECISION: document(_decision(found)),
        READINGS: document([asdict(reading) | {"raw": raw.get(reading.reading_id)} for reading in found.readings]),
        "pass.json": document(_pass(found)),
        "releases.json": document([asdict(release) for release in found.releases]),
        "commands.json": document([asdict(command) for command in found.commands]),
        "postings.json": document([asdict(found.posting)] if found.posting else []),
        "media.json": document(media),
        RECORD: document(
            [
                {**{k: v for k, v in asdict(leaf).items() if k != "body"}, "file": leaf_file(leaf.id)}
                for leaf in found.leaves
            ]
        ),
    }
    if found.inputs is not None:
        files[INPUTS] = canonical_inputs(found.inputs)
    files |= {raw_file(inbox_id): payload for inbox_id, payload in payloads.items()}
    return files | {leaf_file(leaf.id): leaf.body for leaf in found.leaves}


def raw_file(inbox_id: int) -> str:
    """Where the bytes of a message stand in the bundle."""
    return f"readings/{inbox_id}.bin"


def leaf_file(leaf_id: int) -> str:
    """Where the bytes of a fact stand in the bundle."""
    return f"record/{leaf_id}.leaf"


def about(found: Explained) -> dict[str, Any]:
    """What the manifest says that the bundle is evidence of."""
    passage = found.passage
    return {
        "kind": "passage",
        "seq_no": passage.seq_no,
        "lane": passage.lane_code,
        "direction": passage.direction,
        "plate": passage.plate,
        "state": passage.state,
        "pass_no": passage.pass_no,
    }


def canonical_inputs(inputs: Mapping[str, Any]) -> bytes:
    """The bytes whose SHA-256 is the decision's ``inputs_hash``."""
    return json.dumps(inputs, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _decision(found: Explained) -> dict[str, Any] | None:
    if found.decision_id is None:
        return None
    return {
        "decision_id": found.decision_id,
        "verdict": found.verdict,
        "hold_code": found.hold.code if found.hold else None,
        "hold": _words(found.hold),
        "rule_version": found.rule_version,
        "decided_at": found.passage.decided_at,
        "inputs_sha256": found.inputs_sha256,
        "replay_agrees": found.replay_agrees,
        "weight": asdict(found.weight) if found.weight else None,
        "checks": [asdict(check) for check in found.checks],
    }


def _words(hold: Hold | None) -> dict[str, str] | None:
    return None if hold is None else {"zh": hold.officer.in_language("zh"), "en": hold.officer.in_language("en")}


def _pass(found: Explained) -> dict[str, Any] | None:
    if found.gate_pass is None:
        return None
    return {
        "pass": _columns(found.gate_pass),
        "documents": [asdict(row) for row in found.documents],
        "goods": [asdict(row) for row in found.goods],
        "registered_goods": [asdict(row) for row in found.registered],
    }


def _columns(gate_pass: GatePass) -> dict[str, Any]:
    names = (column.key for column in GatePass.__table__.columns)
    return {name: getattr(gate_pass, name) for name in names if name not in NOT_PASS_FACTS}


def disagreements(files: Mapping[str, bytes]) -> list[Fault]:
    """Return where the files of a passage's bundle do not agree with each other. Never raises."""
    found: list[Fault] = []
    for check, file in (
        (_readings_have_their_bytes, READINGS),
        (_leaves_have_their_hash, RECORD),
        (_decision_is_the_recorded_one, DECISION),
        (_rules_agree, INPUTS),
    ):
        try:
            found += check(files)
        except (KeyError, ValueError, TypeError, AttributeError, IndexError, AssertionError, RecursionError):
            found.append(Fault("unreadable", file, FAULTS["unreadable"]))
    return found


def _fault(code: str, file: str, what: object = "") -> Fault:
    return Fault(code, file, FAULTS[code], str(what))


def _readings_have_their_bytes(files: Mapping[str, bytes]) -> Iterator[Fault]:
    for reading in json.loads(files[READINGS]):
        raw = reading["raw"]
        if raw is None:
            continue  # said so in the bundle: the bytes are no longer held
        if raw["file"] not in files:
            yield _fault("reading_bytes_missing", READINGS, reading["reading_id"])
        elif hashlib.sha256(files[raw["file"]]).hexdigest() != raw["sha256"]:
            yield _fault("reading_bytes_differ", raw["file"], reading["reading_id"])


def _leaves_have_their_hash(files: Mapping[str, bytes]) -> Iterator[Fault]:
    for leaf in json.loads(files[RECORD]):
        body = files.get(leaf["file"], b"")
        if hashlib.sha256(b"\x00" + body).hexdigest() != leaf["hash_hex"]:
            yield _fault("leaf_differs", leaf["file"], leaf["id"])


def _decision_is_the_recorded_one(files: Mapping[str, bytes]) -> Iterator[Fault]:
    decision = json.loads(files[DECISION])
    if decision is None:
        return
    leaf = next(
        (row for row in json.loads(files[RECORD]) if row["kind"] == "gate_decision" and row["file"] in files), None
    )
    if leaf is None:
        yield _fault("no_decision_leaf", RECORD)
        return
    said = json.loads(files[leaf["file"]].split(b"\n", 2)[2])
    if hashlib.sha256(files.get(INPUTS, b"")).hexdigest() != said["inputs_sha256"]:
        yield _fault("inputs_differ", INPUTS)
    for name in ("verdict", "hold_code", "rule_version"):
        if decision[name] != said[name]:
            yield _fault("decision_differs", DECISION, f"{name} {decision[name]} ≠ {said[name]}")


def _rules_agree(files: Mapping[str, bytes]) -> Iterator[Fault]:
    if INPUTS not in files:
        return
    decision = json.loads(files[DECISION])
    if decision["rule_version"] not in VERSIONS:
        return  # these rules are not installed here: nothing can be said
    again = decide(case_from_payload(json.loads(files[INPUTS])), decision["rule_version"])
    code = again.hold.code if again.hold else None
    if code != decision["hold_code"]:
        yield _fault("replay_differs", INPUTS, code or "lift")
