"""``dongting ceb check``: one line for each file, and a status that a script can go by."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding

from tests.wms.customs.messages.test_schema import expected, order, sample
from web.cli import dongting
from wms.customs.messages.signing import make_test_key


def run(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
    result = CliRunner().invoke(dongting, ["ceb", "check", *arguments])
    return result.exit_code, [json.loads(line) for line in result.output.splitlines()]


def test_one_line_for_each_file_with_texts_in_both_languages(tmp_path: Path) -> None:
    long, broken = tmp_path / "long.xml", tmp_path / "broken.xml"
    long.write_bytes(order(orderNo="9" * 61))
    broken.write_bytes(b"<a>")
    status, lines = run(str(long), str(broken))
    assert status == 2
    assert [line["file"] for line in lines] == [str(long), str(broken)]
    assert [line["schema_valid"] for line in lines] == [False, False]
    finding = next(one for one in lines[0]["findings"] if one["rule"] == "SCH-LENGTH")
    assert finding["field"] == "Order[1]/OrderHead/orderNo"
    assert finding["text"] == finding["text_en"] == "orderNo may have 60 signs at most, it has 61."
    assert finding["text_zh"] == "orderNo 最多 60 个字符，现为 61 个。"
    assert lines[1]["findings"][0]["rule"] == "message_unreadable"
    assert run(str(long), "--language", "zh")[1][0]["findings"][0]["text"].endswith("。")


def test_says_whether_a_signature_is_valid_broken_unknown_or_not_judged(shared: Path, tmp_path: Path) -> None:
    ours, other = make_test_key("zone"), make_test_key("other")
    whole = ours.sign(order())
    pem = tmp_path / "trusted.pem"
    pem.write_bytes(ours.certificate.public_bytes(Encoding.PEM))
    given = {
        "valid": whole, "invalid": whole.replace(b'version="1.0"', b'version="1.1"'), "untrusted": other.sign(order()),
        "unsigned": order(), "not_judged": sample(shared, "import/CEB621Message.xml"),
    }  # fmt: skip
    for name, data in given.items():
        (tmp_path / name).write_bytes(data)
    _status, lines = run("--trust", str(pem), *(str(tmp_path / name) for name in given))
    assert [line["signature"]["state"] for line in lines] == list(given)
    assert "SM2" in lines[4]["signature"]["text"]
    assert lines[0]["signature"]["certificate"] == "CN=TEST zone"
    rules = [{one["rule"] for one in line["findings"] if one["rule"].startswith("SIG")} for line in lines]
    assert rules == [set(), {"SIG-INVALID"}, {"SIG-UNTRUSTED"}, set(), set()]
    (line,) = run(str(tmp_path / "valid"), "--language", "zh")[1]
    assert (line["signature"]["state"], "证书未知" in line["signature"]["text"]) == ("untrusted", True)


def test_status_tells_what_was_found(tmp_path: Path) -> None:
    long = tmp_path / "long.xml"
    long.write_bytes(order(orderNo="9" * 61))
    assert run(str(long))[0] == 1
    assert run(str(tmp_path / "nothing.xml"))[0] == 2


def test_agrees_with_the_expected_verdicts(shared: Path, tmp_path: Path) -> None:
    rows = expected(shared)
    for row in rows:
        (tmp_path / Path(row["file"]).name).write_bytes(sample(shared, row["file"]))
    _status, lines = run(*(str(tmp_path / Path(row["file"]).name) for row in rows))
    assert [line["schema_valid"] for line in lines] == [row["schema_valid"] == "yes" for row in rows]
