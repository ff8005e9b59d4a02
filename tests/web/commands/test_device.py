"""``dongting device parse``: one JSON line for each reading or fault, and a status that a script can use."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from web.commands.device import command


def parsed(tmp_path: Path, payload: bytes, *arguments: str) -> tuple[int, list[dict[str, object]]]:
    file = tmp_path / "payload"
    file.write_bytes(payload)
    result = CliRunner().invoke(command, ["parse", arguments[0], str(file), *arguments[1:]])
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def test_prints_a_line_for_each_reading(tmp_path: Path) -> None:
    status, lines = parsed(tmp_path, b"ST,GS,+ 18240kg\r\nnonsense\r\n", "scale")
    assert status == 0
    assert [line["kind"] for line in lines] == ["WeightRead", "Fault"]
    assert lines[0]["weight_g"] == 18_240_000


@pytest.mark.parametrize("payload", [b"", b"\xff", b"{}"])
def test_ends_with_status_1_when_there_are_only_faults(tmp_path: Path, payload: bytes) -> None:
    status, lines = parsed(tmp_path, payload, "frigate", "--topic", "frigate/events")
    assert status == 1
    assert {line["kind"] for line in lines} == {"Fault"}


def test_takes_topic_and_profile(tmp_path: Path) -> None:
    topic = "wms/v1/CLJ/gate/d1/status"
    assert parsed(tmp_path, b'{"online": true}', "dongting", "--topic", topic)[1][0]["state"] == "online"
    status, lines = parsed(tmp_path, b"\x02+0018240A\x03", "scale", "--profile", '{"stable_status": "A"}')
    assert (status, lines[0]["is_stable"]) == (0, True)


def test_lists_the_formats() -> None:
    result = CliRunner().invoke(command, ["formats"])
    names = {json.loads(line)["format"] for line in result.stdout.splitlines()}
    assert {"dongting", "zhenshi", "hikvision", "dahua", "scale", "frigate"} <= names
