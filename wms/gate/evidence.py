"""The evidence of one passage as files of a signed bundle.

A signature says who vouches for the files. That they tell one story is another matter, and is checked from the files
alone (:mod:`wms.gate.story`).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from wms.customs.tables import GatePass
from wms.gate.queries import Explained
from wms.gate.queries.besides import PhotoRow
from wms.gate.rules import Hold
from wms.gate.story import (
    COMMANDS,
    DECISION,
    INPUTS,
    MEDIA,
    OPENINGS,
    ORDERS,
    PASS,
    PASSAGE,
    POSTINGS,
    QUESTION,
    READINGS,
    RECORD,
    RELEASES,
    disagreements,
)
from wms.record.bundles import document

__all__ = ["INPUTS", "about", "canonical_inputs", "disagreements", "files_of", "leaf_file", "picture_file", "raw_file"]

SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}

NOT_PASS_FACTS = frozenset({"tenant_id", "id", "owner_id", "site_id"})

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
question.json        what customs' platform was asked and answered / 海关平台的询问与答复
orders.json          control orders of customs on it / 布控指令
openings.json        openings by hand that an officer noted / 手动抬杆
media.json           pictures and clips by address and SHA-256; frames stay in the recorder / 图片与录像的地址与哈希
pictures/            pictures that officers added / 关员补充的图片
record.json          facts of the record about this passage; record/ holds their bytes,
                     each hashed as SHA-256(0x00 || bytes) (RFC 9162, 2.1.1) / 存证记录
"""


def files_of(
    found: Explained,
    raw: Mapping[int, Mapping[str, Any]],
    payloads: Mapping[int, bytes],
    media: Mapping[str, Any],
    pictures: Mapping[str, bytes],
) -> dict[str, bytes]:
    """Return the files of a passage's bundle.

    ``raw``: how each reading's message came, by reading id, without its bytes; ``payloads``: the bytes by the id of
    the message in the inbox; ``media``: pictures and clips as they are known; ``pictures``: the bytes of those that
    officers added, by their SHA-256.
    """
    files = {
        "README.txt": README.encode(),
        PASSAGE: document(asdict(found.passage)),
        DECISION: document(_decision(found)),
        READINGS: document([asdict(reading) | {"raw": raw.get(reading.reading_id)} for reading in found.readings]),
        PASS: document(_pass(found)),
        RELEASES: document([asdict(release) for release in found.releases]),
        COMMANDS: document([asdict(command) for command in found.commands]),
        POSTINGS: document([asdict(found.posting)] if found.posting else []),
        QUESTION: document(asdict(found.question) if found.question else None),
        ORDERS: document([asdict(order) for order in found.orders]),
        OPENINGS: document([asdict(opening) for opening in found.openings]),
        MEDIA: document({**media, "added": [_picture(photo) for photo in found.photos]}),
        RECORD: document(
            [
                {**{k: v for k, v in asdict(leaf).items() if k != "body"}, "file": leaf_file(leaf.id)}
                for leaf in found.leaves
            ]
        ),
    }
    if found.inputs is not None:
        files[INPUTS] = canonical_inputs(found.inputs)
    files |= {picture_file(photo): pictures[photo.sha256] for photo in found.photos}
    files |= {raw_file(inbox_id): payload for inbox_id, payload in payloads.items()}
    return files | {leaf_file(leaf.id): leaf.body for leaf in found.leaves}


def raw_file(inbox_id: int) -> str:
    """Where the bytes of a message stand in the bundle."""
    return f"readings/{inbox_id}.bin"


def picture_file(photo: PhotoRow) -> str:
    """Where the bytes of an officer's picture stand in the bundle."""
    return f"pictures/{photo.sha256}.{SUFFIXES.get(photo.media_type, 'bin')}"


def _picture(photo: PhotoRow) -> dict[str, Any]:
    return {**asdict(photo), "file": picture_file(photo)}


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
