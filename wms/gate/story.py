"""Whether the files of a passage's bundle tell one story, from the files alone: nobody but the reader is needed.

What the bundle says of decision, readings, releases, commands, customs' question and orders, pictures, pass and posting
is held against the facts of the record, whose hashes the record's own log holds; and the rules are asked again.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wms.errors import N_
from wms.gate.rules import VERSIONS, Verdict, case_from_payload, content_hash, decide
from wms.record.bundles import MANIFEST, Fault

PASSAGE, INPUTS, DECISION = "passage.json", "decision/inputs.json", "decision/decision.json"
READINGS, RECORD, PASS, RELEASES = "readings.json", "record.json", "pass.json", "releases.json"
COMMANDS, POSTINGS, MEDIA, QUESTION, ORDERS, OPENINGS = (
    "commands.json", "postings.json", "media.json", "question.json", "orders.json", "openings.json",
)  # fmt: skip
BROKEN = (KeyError, ValueError, TypeError, AttributeError, IndexError, AssertionError, RecursionError)

FAULTS = {
    "unreadable": N_("This file cannot be read as what it should be."),
    "reading_bytes_missing": N_("Reading %(what)s names bytes that are not in the bundle."),
    "reading_bytes_differ": N_("The bytes of reading %(what)s are not those that were received."),
    "reading_differs": N_("Reading %(what)s is not as the decision was recorded to have used it."),
    "leaf_differs": N_("Fact %(what)s of the record does not have the hash that the record holds."),
    "leaf_kind_differs": N_("Fact %(what)s of the record is of another kind than it is said to be."),
    "no_decision_leaf": N_("The record holds no fact about this decision."),
    "inputs_differ": N_("These are not the inputs that the decision was recorded with."),
    "decision_differs": N_("The decision is not the one that was recorded: %(what)s."),
    "replay_differs": N_("The rules, asked again with these inputs, give another answer: %(what)s."),
    "not_on_record": N_("The record holds no fact about %(what)s."),
    "not_as_recorded": N_("This is not what was recorded: %(what)s."),
    "picture_missing": N_("Picture %(what)s is not in the bundle."),
    "picture_differs": N_("The picture is not the one that was added: %(what)s."),
    "manifest_differs": N_("The manifest says something else than the passage: %(what)s."),
}


@dataclass(frozen=True)
class Said:
    """A fact of the record: its kind and subject, and what its bytes say."""

    kind: str
    subject_id: int | None
    body: Mapping[str, Any]


def disagreements(files: Mapping[str, bytes]) -> list[Fault]:
    """Return where the files of a passage's bundle do not agree with each other. Never raises."""
    found: list[Fault] = []
    for check, file in CHECKS:
        try:
            found += check(files)
        except BROKEN:
            found.append(Fault("unreadable", file, FAULTS["unreadable"]))
    return found


def _fault(code: str, file: str, what: object = "") -> Fault:
    return Fault(code, file, FAULTS[code], str(what))


def _json(files: Mapping[str, bytes], name: str) -> Any:
    return json.loads(files[name])


def _facts(files: Mapping[str, bytes]) -> list[Said]:
    """The facts of the record that can be read; those that cannot are told by :func:`_leaves`."""
    found = []
    for row in _json(files, RECORD):
        try:
            body = files[row["file"]]
            said = json.loads(body if row["kind"] == "posting" else body.split(b"\n", 2)[2])
            assert isinstance(said, dict)
        except BROKEN:
            continue
        found.append(Said(row["kind"], row["subject_id"], said))
    return found


def _one(facts: list[Said], kind: str, subject_id: int | None = None) -> Mapping[str, Any] | None:
    return next(
        (one.body for one in facts if one.kind == kind and (subject_id is None or one.subject_id == subject_id)), None
    )


def _is_new(facts: list[Said]) -> bool:
    """Whether the decision was recorded since each reading and command of a passage stands in the record."""
    return "readings" in (_one(facts, "gate_decision") or {})


def _same(told: Any, said: Any) -> bool:
    """Whether two values are the same, instants as instants."""
    if isinstance(told, str) and isinstance(said, str) and told != said:
        try:
            return datetime.fromisoformat(told) == datetime.fromisoformat(said)
        except ValueError:
            return False
    return bool(told == said)


def _compared(
    file: str, told: Mapping[str, Any], said: Mapping[str, Any], names: tuple[str, ...] | Mapping[str, str]
) -> Iterator[Fault]:
    """What ``file`` tells against what the record says, name by name; ``names`` maps ours to the record's."""
    pairs = names.items() if isinstance(names, Mapping) else ((name, name) for name in names)
    for ours, theirs in pairs:
        if theirs in said and not _same(told[ours], said[theirs]):
            yield _fault("not_as_recorded", file, f"{ours} {told[ours]} ≠ {said[theirs]}")


# -- the record and what came in ---------------------------------------------------------------------------------------


def _readings(files: Mapping[str, bytes]) -> Iterator[Fault]:
    used = {}
    for reading in _json(files, READINGS):
        if reading["was_used"]:
            used[str(reading["reading_id"])] = content_hash(reading["content"])
        raw = reading["raw"]
        if raw is None:
            continue  # said so in the bundle: the bytes are no longer held
        if raw["file"] not in files:
            yield _fault("reading_bytes_missing", READINGS, reading["reading_id"])
        elif hashlib.sha256(files[raw["file"]]).hexdigest() != raw["sha256"]:
            yield _fault("reading_bytes_differ", raw["file"], reading["reading_id"])
    recorded = (_one(_facts(files), "gate_decision") or {}).get("readings", used)
    for reading_id in sorted(used.keys() | recorded.keys(), key=int):
        if used.get(reading_id) != recorded.get(reading_id):
            yield _fault("reading_differs", READINGS, reading_id)


def _leaves(files: Mapping[str, bytes]) -> Iterator[Fault]:
    for leaf in _json(files, RECORD):
        body = files.get(leaf["file"], b"")
        if hashlib.sha256(b"\x00" + body).hexdigest() != leaf["hash_hex"]:
            yield _fault("leaf_differs", leaf["file"], leaf["id"])
        elif leaf["kind"] != "posting" and not body.startswith(f"dongting.{leaf['kind']}.v1\n".encode()):
            yield _fault("leaf_kind_differs", leaf["file"], leaf["id"])


# -- the decision ------------------------------------------------------------------------------------------------------


def _decision(files: Mapping[str, bytes]) -> Iterator[Fault]:
    decision = _json(files, DECISION)
    if decision is None:
        return
    said = _one(_facts(files), "gate_decision", decision["decision_id"])
    if said is None:
        yield _fault("no_decision_leaf", RECORD)
        return
    if not _inputs_are_recorded(files, said):
        yield _fault("inputs_differ", INPUTS)
    told = decision | {"seq_no": _json(files, PASSAGE)["seq_no"]}
    for name in ("seq_no", "verdict", "hold_code", "rule_version", "decided_at", "inputs_sha256"):
        if not _same(told[name], said[name]):
            yield _fault("decision_differs", DECISION, f"{name} {told[name]} ≠ {said[name]}")


def _inputs_are_recorded(files: Mapping[str, bytes], said: Mapping[str, Any]) -> bool:
    return bool(hashlib.sha256(files.get(INPUTS, b"")).hexdigest() == said["inputs_sha256"])


def _recorded_inputs(files: Mapping[str, bytes]) -> Any:
    """The inputs, where they are those that were recorded; None where they are not, which is a fault of its own."""
    said = _one(_facts(files), "gate_decision")
    return _json(files, INPUTS) if said is not None and _inputs_are_recorded(files, said) else None


def _again(files: Mapping[str, bytes]) -> Verdict | None:
    """The verdict of the rules, asked again; None where there is nothing to ask, or these rules are not installed."""
    if INPUTS not in files:
        return None
    version = _json(files, DECISION)["rule_version"]
    return decide(case_from_payload(_json(files, INPUTS)), version) if version in VERSIONS else None


def _rules(files: Mapping[str, bytes]) -> Iterator[Fault]:
    again, decision = _again(files), _json(files, DECISION)
    if again is None:
        return
    code = again.hold.code if again.hold else None
    if code != decision["hold_code"]:
        yield _fault("replay_differs", INPUTS, code or "lift")
        return
    told = [(row["check"], row["outcome"], row["hold_code"]) for row in decision["checks"]]
    for row, found in zip(told, ((one.check, one.outcome, one.hold_code) for one in again.checks), strict=True):
        if row != found:
            yield _fault("replay_differs", DECISION, found[0])


def _passage(files: Mapping[str, bytes]) -> Iterator[Fault]:
    passage, facts, inputs = _json(files, PASSAGE), _facts(files), _recorded_inputs(files)
    if inputs is not None:
        seen = inputs["seen"]
        lane = inputs["lane"]
        told = passage | {"containers": sorted(passage["containers"])}
        recorded = {
            "plate": seen["plate"], "trailer_plate": seen["trailer_plate"],
            "weight_g": seen["weight_g"] if (seen["weight_g"] or 0) > 0 else None,
            "containers": sorted(box["number"] for box in seen["containers"]),
            "lane_code": lane["code"], "direction": lane["direction"], "decided_at": inputs["decided_at"],
        }  # fmt: skip
        yield from _compared(PASSAGE, told, recorded, tuple(recorded))
    confirmed = _one(facts, "passage", passage["id"])
    if confirmed is not None:
        yield from _compared(PASSAGE, passage, confirmed, ("seq_no", "plate", "passed_at"))
    elif passage["passed_at"] is not None:
        yield _fault("not_on_record", PASSAGE, "passage")
    if MANIFEST in files:
        about = _json(files, MANIFEST)["about"]
        for name, ours in (("seq_no", "seq_no"), ("lane", "lane_code"), ("plate", "plate"), ("state", "state")):
            if about.get(name) != passage[ours]:
                yield _fault("manifest_differs", MANIFEST, name)


def _left_out(facts: list[Said], kind: str, file: str, told: Collection[object], name: str = "") -> Iterator[Fault]:
    """Facts of the record that ``file`` does not tell: by the subject's id, or by what the fact calls ``name``."""
    for one in facts:
        if one.kind == kind and (one.body[name] if name else one.subject_id) not in told:
            yield _fault("not_as_recorded", file, f"{kind} {one.subject_id}")


# -- who let it go, and how --------------------------------------------------------------------------------------------


def _releases(files: Mapping[str, bytes]) -> Iterator[Fault]:
    facts = _facts(files)
    yield from _left_out(facts, "release_requested", RELEASES, {one["id"] for one in _json(files, RELEASES)})
    for release in _json(files, RELEASES):
        if release["made_by"] == "rules":
            said = _one(facts, "gate_decision")
            verdict = said["verdict"] if said is not None else None
            if verdict != "lift":
                yield _fault("not_as_recorded", RELEASES, f"release {release['id']}: rules ≠ {verdict}")
            continue
        asked = _one(facts, "release_requested", release["id"])
        if asked is None:
            yield _fault("not_on_record", RELEASES, f"release {release['id']}")
            continue
        yield from _compared(RELEASES, release, asked, ("reason", "reason_code", "hold_code"))
        yield from _compared(RELEASES, release, asked, {"requested_by": "officer_id"})
        granted = _one(facts, "release_granted", release["id"])
        if granted is None and release["granted_at"] is not None:
            yield _fault("not_on_record", RELEASES, f"release {release['id']} granted")
        if granted is not None and release["needs_second"] and granted["officer_id"] == asked["officer_id"]:
            yield _fault("not_as_recorded", RELEASES, f"release {release['id']}: {granted['officer_id']} twice")


def _commands(files: Mapping[str, bytes]) -> Iterator[Fault]:
    facts = _facts(files)
    recorded = {one.body["cmd_id"]: one.body for one in facts if one.kind == "barrier_command"}
    told = {one["cmd_id"] for one in _json(files, COMMANDS)}
    yield from _left_out(facts, "barrier_command", COMMANDS, told, "cmd_id")
    for command in _json(files, COMMANDS):
        said = recorded.get(command["cmd_id"])
        if said is not None:
            yield from _compared(COMMANDS, command, said, ("action", "decided_by", "issued_at", "expires_at"))
        elif _is_new(facts):
            yield _fault("not_on_record", COMMANDS, f"command {command['cmd_id']}")


def _question(files: Mapping[str, bytes]) -> Iterator[Fault]:
    facts = _facts(files)
    if QUESTION not in files and not _is_new(facts):
        return  # taken before bundles told of it
    question = _json(files, QUESTION)
    asked = _one(facts, "customs_asked")
    if question is None:
        if asked is not None:
            yield _fault("not_as_recorded", QUESTION, "customs_asked")
        return
    if asked is None:
        yield _fault("not_on_record", QUESTION, "customs_asked")
    else:
        yield from _compared(QUESTION, question, asked, ("answer_by", "asked_about"))
    answered = _one(facts, "customs_answer", question["id"])
    if answered is not None:
        yield from _compared(QUESTION, question, answered, {"answer": "answer", "hint": "hint", "answered_at": "at"})
    elif question["answer"] is not None:
        yield _fault("not_on_record", QUESTION, "customs_answer")


def _orders(files: Mapping[str, bytes]) -> Iterator[Fault]:
    facts, inputs = _facts(files), _recorded_inputs(files)
    if ORDERS not in files and not _is_new(facts):
        return  # taken before bundles told of them
    orders = _json(files, ORDERS)
    yield from _left_out(facts, "control_order", ORDERS, {one["id"] for one in orders})
    for order in orders:
        given = _one(facts, "control_order", order["id"])
        if given is None:
            yield _fault("not_on_record", ORDERS, f"order {order['id']}")
        else:
            yield from _compared(ORDERS, order, given, ("control", "target_kind", "target", "reason"))
        ended = _one(facts, "control_withdrawn", order["id"])
        if ended is not None:
            yield from _compared(ORDERS, order, ended, {"withdrawn_because": "reason"})
        elif order["withdrawn_at"] is not None:
            yield _fault("not_on_record", ORDERS, f"order {order['id']} withdrawn")
    told = {order["id"] for order in orders}
    for order in (inputs or {}).get("orders", ()):
        if order["order_id"] not in told:
            yield _fault("not_as_recorded", ORDERS, f"order {order['order_id']}")


def _openings(files: Mapping[str, bytes]) -> Iterator[Fault]:
    facts = _facts(files)
    if OPENINGS not in files and not _is_new(facts):
        return  # taken before bundles told of them
    yield from _left_out(facts, "manual_opening", OPENINGS, {one["id"] for one in _json(files, OPENINGS)})
    for opening in _json(files, OPENINGS):
        said = _one(facts, "manual_opening", opening["id"])
        if said is None:
            yield _fault("not_on_record", OPENINGS, f"opening {opening['id']}")
        else:
            yield from _compared(OPENINGS, opening, said, ("officer_id", "cause", "memo", "picture", "opened_at"))


# -- goods and pictures ------------------------------------------------------------------------------------------------


def _pass(files: Mapping[str, bytes]) -> Iterator[Fault]:
    told, facts, inputs, again = _json(files, PASS), _facts(files), _recorded_inputs(files), _again(files)
    if told is None:
        return
    own = told["pass"]
    approved = _one(facts, "gate_pass_approved")
    if approved is None:
        yield _fault("not_on_record", PASS, "gate_pass_approved")
    else:
        yield from _compared(PASS, own, approved, {"pass_no": "pass_no", "vehicle_plate": "plate"})
    seen = (inputs or {}).get("passes", ())
    looked = next((row for row in seen if again is not None and row["pass_id"] == again.pass_id), None)
    if looked is not None:
        names = {"vehicle_plate": "plate", "trailer_plate": "trailer_plate", "total_weight_g": "total_weight_g"}
        yield from _compared(PASS, own, looked, names)
        numbers = {document["number"] for document in told["documents"]}
        for document in looked["documents"]:
            if document["number"] not in numbers:
                yield _fault("not_as_recorded", PASS, document["number"])


def _postings(files: Mapping[str, bytes]) -> Iterator[Fault]:
    facts = _facts(files)
    for posting in _json(files, POSTINGS):
        said = _one(facts, "posting", posting["id"])
        if said is None:
            yield _fault("not_on_record", POSTINGS, f"posting {posting['id']}")
            continue
        yield from _compared(POSTINGS, posting, said, ("kind", "source_doc"))
        moved = sorted(((row["qty"], row["weight_g"]) for row in posting["entries"]), key=repr)
        if moved != sorted(((row[1], row[2]) for row in said["entries"]), key=repr):
            yield _fault("not_as_recorded", POSTINGS, f"posting {posting['id']}")


def _media(files: Mapping[str, bytes]) -> Iterator[Fault]:
    media, facts = _json(files, MEDIA), _facts(files)
    readings = {reading["reading_id"]: reading["content"] for reading in _json(files, READINGS)}
    for picture in media["pictures"]:
        named = readings.get(picture["reading_id"], {}).get("media") or ()
        if not any(one.get("uri") == picture["uri"] and one.get("sha256") == picture["sha256"] for one in named):
            yield _fault("picture_differs", MEDIA, picture["uri"])
    recorded = {one.body["sha256"] for one in facts if one.kind == "passage_photo"}
    for picture in media.get("added", ()):
        content, sha256 = files.get(picture["file"]), picture["sha256"]
        if content is None:
            yield _fault("picture_missing", MEDIA, sha256)
        elif hashlib.sha256(content).hexdigest() != sha256:
            yield _fault("picture_differs", picture["file"], sha256)
        if sha256 not in recorded:
            yield _fault("not_on_record", MEDIA, sha256)
    for sha256 in sorted(recorded - {picture["sha256"] for picture in media.get("added", ())}):
        yield _fault("picture_missing", MEDIA, sha256)


Check = Callable[[Mapping[str, bytes]], Iterator[Fault]]
CHECKS: tuple[tuple[Check, str], ...] = (
    (_readings, READINGS),
    (_leaves, RECORD),
    (_decision, DECISION),
    (_rules, INPUTS),
    (_passage, PASSAGE),
    (_releases, RELEASES),
    (_commands, COMMANDS),
    (_question, QUESTION),
    (_orders, ORDERS),
    (_openings, OPENINGS),
    (_pass, PASS),
    (_postings, POSTINGS),
    (_media, MEDIA),
)
