"""The same bad messages through each door: told by rule, field and text in both languages, kept, and nothing moves."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import build
from tests.web.conftest import Doorman
from tests.wms.customs.messages.test_schema import order
from web.commands.ceb import check_files
from web.out.customs.exchange import run_turn
from web.out.customs.lines import FolderLine
from wms.customs.tables.messages import CustomsMessage
from wms.db import Database, Scope

BOMB = b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">' + b"".join(
    b'<!ENTITY %c "&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;">' % ((n,) + (n - 1,) * 8) for n in range(ord("c"), ord("k"))
)  # fmt: skip
UNREADABLE = {
    "empty": (b"", "message_empty"),
    "a mark alone": (b"\xef\xbb\xbf", "message_empty"),
    "no XML": (b"BOM?", "message_unreadable"),
    "billion laughs": (BOMB + b"]><l>&j;</l>", "message_has_dtd"),
    "a file of the machine": (b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>', "message_has_dtd"),
    "a parameter entity": (b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1/x">%p;]><x/>', "message_has_dtd"),
    "a document type behind a remark": (b"<!-- x --><!DOCTYPE x><x/>", "message_has_dtd"),
    "a document type in two bytes": ('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x><x/>'.encode("utf-16"),
                                     "message_has_dtd"),
    "GBK that says UTF-8": ('<?xml version="1.0" encoding="UTF-8"?><x>订单</x>'.encode("gbk"), "message_encoding"),
    "an encoding there is not": (b'<?xml version="1.0" encoding="EBCDIC-9"?><x/>', "message_encoding_unknown"),
    "a prefix without a namespace": (b"<ceb:CEB311Message/>", "message_prefix"),
    "too deep": (b"<a>" * 300 + b"</a>" * 300, "message_too_deep"),
    "a sign that XML has not": (b"<x>\x07</x>", "message_unreadable"),
}  # fmt: skip
FOUND: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "no namespace": (lambda: order().replace(b"http://www.chinaport.gov.cn/ceb", b"urn:ceb"), "SCH-NAMESPACE",
                     "CEB311Message"),
    "over-long": (lambda: order(orderNo="9" * 61), "SCH-LENGTH", "Order[1]/OrderHead/orderNo"),
    "six places": (lambda: order(goodsValue="1.123456"), "SCH-DECIMALS", "Order[1]/OrderHead/goodsValue"),
    "an exponent": (lambda: order(goodsValue="1e3"), "SCH-NUMBER", "Order[1]/OrderHead/goodsValue"),
    "digits of another script": (lambda: order(goodsValue="１２"), "SCH-NUMBER", "Order[1]/OrderHead/goodsValue"),
    "twenty digits": (lambda: order(goodsValue="12345678901234567890"), "SCH-DIGITS", "Order[1]/OrderHead/goodsValue"),
}  # fmt: skip


def by_command(tmp_path: Path, data: bytes) -> tuple[int, list[dict[str, str]]]:
    path = tmp_path / "message.xml"
    path.write_bytes(data)
    done = CliRunner().invoke(check_files, [str(path)])
    return done.exit_code, json.loads(done.output)["findings"]


def by_api(doorman: Doorman, data: bytes, language: str) -> tuple[str, list[dict[str, str]]]:
    headers = doorman.token("declarant") | {"Idempotency-Key": f"key-{build.number()}", "Accept-Language": language}
    client = doorman.app.test_client()
    body = {"content_base64": base64.b64encode(data).decode(), "source": "test"}
    said: dict[str, Any] = client.post("/api/v1/customs-messages", headers=headers, json=body).get_json()
    shown = client.get(f"/api/v1/customs-messages/{said['id']}", headers=headers).get_json()
    return str(said["state"]), shown["findings"]


def by_folder(database: Database, scope: Scope, folder: Path, data: bytes) -> CustomsMessage:
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in" / "message.xml").write_bytes(data)
    run_turn(database, scope, FolderLine(folder))
    assert not list((folder / "in").iterdir())
    with database.unit_of_work(scope) as session:
        return newest(session)


def newest(session: Session) -> CustomsMessage:
    query = select(CustomsMessage).where(CustomsMessage.direction == "in").order_by(CustomsMessage.id.desc()).limit(1)
    return session.scalars(query).one()


def has_both_languages(finding: dict[str, str]) -> bool:
    is_chinese = any("\u4e00" <= sign <= "\u9fff" for sign in finding["text_zh"])
    return is_chinese and bool(finding["text_en"]) and finding["text_en"] != finding["text_zh"]


@pytest.mark.parametrize("name", UNREADABLE)
def test_the_command_says_why_a_file_cannot_be_read(tmp_path: Path, name: str) -> None:
    data, code = UNREADABLE[name]
    status, findings = by_command(tmp_path, data)
    assert (status, [one["rule"] for one in findings]) == (2, [code])
    assert has_both_languages(findings[0])


@pytest.mark.parametrize("name", FOUND)
def test_the_command_names_rule_and_field(tmp_path: Path, name: str) -> None:
    make, rule, field = FOUND[name]
    status, findings = by_command(tmp_path, make())
    assert status == 1
    mine = [one for one in findings if (one["rule"], one["field"]) == (rule, field)]
    assert len(mine) == 1
    assert has_both_languages(mine[0])


@pytest.mark.parametrize("name", [one for one in UNREADABLE if UNREADABLE[one][0]])
def test_the_api_keeps_what_cannot_be_read_with_its_reason(doorman: Doorman, name: str) -> None:
    data, code = UNREADABLE[name]
    state, findings = by_api(doorman, data, "en")
    assert (state, [one["rule"] for one in findings]) == ("unreadable", [code])


@pytest.mark.parametrize("name", FOUND)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_api_names_rule_field_and_text_in_the_caller_s_language(doorman: Doorman, name: str, language: str) -> None:
    make, rule, field = FOUND[name]
    state, findings = by_api(doorman, make(), language)
    assert state == "invalid"
    mine = [one for one in findings if (one["rule"], one["field"]) == (rule, field)]
    assert len(mine) == 1
    assert any("\u4e00" <= sign <= "\u9fff" for sign in mine[0]["text"]) == (language == "zh")


def test_the_folder_keeps_each_with_its_reason_and_goes_on(database: Database, tenant: int, tmp_path: Path) -> None:
    scope = Scope.system(tenant)
    for name, (data, code) in UNREADABLE.items():
        row = by_folder(database, scope, tmp_path, data)
        assert (name, row.state, bool(row.reason)) == (name, "unreadable", True), code
    for name, (make, _rule, _field) in FOUND.items():
        row = by_folder(database, scope, tmp_path, make())
        assert (name, row.state, bool(row.reason)) == (name, "invalid", True)


def test_a_mark_before_it_and_other_encodings_change_nothing(doorman: Doorman, tmp_path: Path) -> None:
    data = order()
    chinese = b'<?xml version="1.0" encoding="GB18030"?>' + data.decode().encode("gb18030")
    wide = ('<?xml version="1.0" encoding="UTF-16"?>' + data.decode()).encode("utf-16")
    plain = by_command(tmp_path, data)
    assert [by_command(tmp_path, one) for one in (b"\xef\xbb\xbf" + data, chinese, wide)] == [plain] * 3
    assert by_api(doorman, b"\xef\xbb\xbf" + data, "en")[0] == by_api(doorman, data, "en")[0]
