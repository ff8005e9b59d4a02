"""The schema's verdict agrees with customs' own on samples and mutants; parse, write and parse is the identity."""

import csv
import dataclasses
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.wms.customs.messages import made, mutants
from wms.customs.messages import CannotBeWritten, Message, NotSchemaValid, Unreadable, check, read, spec, write
from wms.customs.messages.writing import UnknownField, compose

MUTANTS = 10_000
SEED = 202205
KINDS = tuple(spec.kinds().values())


def schemas(shared: Path) -> dict[str, Any]:
    folder = shared / "data" / "ceb" / "xsd202205"
    names = {"import": "*进口业务节点*.xsd", "export": "*出口业务节点*.xsd"}
    return {side: etree.XMLSchema(etree.parse(str(next(folder.glob(name))))) for side, name in names.items()}


def expected(shared: Path) -> list[dict[str, str]]:
    with (shared / "data" / "ceb" / "expected.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def sample(shared: Path, name: str) -> bytes:
    return (shared / "data" / "ceb" / "samples202205" / name).read_bytes()


def test_knows_every_message_of_the_set() -> None:
    receipts = "312 412 512 514 622 624 626 712 816 818 900 214 216 304 404 506 508 510 604 606 608 702 792"
    sent = "311 411 511 513 621 623 625 711 213 215 303 403 505 507 509 603 605 607 701"
    assert {kind.type[3:] for kind in KINDS if kind.is_receipt} == set(receipts.split())
    assert {kind.type[3:] for kind in KINDS if not kind.is_receipt} == set(sent.split())
    assert {kind.type[3:] for kind in KINDS if kind.signature == "!"} == {"621", "623", "625", "711"}


def test_verdict_is_the_expected_one_on_all_39_samples(shared: Path) -> None:
    rows = expected(shared)
    assert len(rows) == 39
    ours = {row["file"]: check(sample(shared, row["file"])).schema_valid for row in rows}
    assert ours == {row["file"]: row["schema_valid"] == "yes" for row in rows}


def test_every_valid_sample_is_the_same_after_writing(shared: Path) -> None:
    for row in expected(shared):
        if row["schema_valid"] == "yes":
            message = read(sample(shared, row["file"]))
            assert read(write(message)) == message, row["file"]


@pytest.mark.slow
def test_verdict_agrees_with_the_schemas_on_ten_thousand_mutants(shared: Path) -> None:
    public = schemas(shared)
    chance = random.Random(SEED)
    disagreed, valid = [], 0
    for number in range(MUTANTS):
        kind = chance.choice(KINDS)
        root = etree.fromstring(compose(made.message(kind, chance, lines=chance.choice((1, 1, 2)))))
        what = mutants.mutate(root, chance)
        data = etree.tostring(root)
        theirs = any(schema.validate(etree.fromstring(data)) for schema in public.values())
        valid += theirs
        if check(data).schema_valid != theirs:
            disagreed.append((number, kind.type, what, data))
    assert not disagreed
    assert MUTANTS // 10 < valid < MUTANTS * 9 // 10  # the mistakes neither all harmless nor all fatal


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0], ids=["needed fields alone", "some optional ones", "every field"])
def test_what_is_written_is_valid_for_the_public_schemas_for_every_type(shared: Path, share: float) -> None:
    public = schemas(shared)
    chance = random.Random(SEED)
    assert len(KINDS) == 42
    for kind in KINDS:
        for _ in range(5):
            message = made.message(kind, chance, documents=2, share=share)
            data = write(message)
            assert public[kind.direction].validate(etree.fromstring(data)), (kind.type, data)
            assert read(data) == message


def test_each_optional_field_of_every_type_may_stand_alone(shared: Path) -> None:
    """Beside the needed fields, one optional field at a time: written, valid for the public schemas, read the same."""
    public = schemas(shared)
    chance = random.Random(SEED)
    for kind in KINDS:
        bare = made.message(kind, chance, lines=1, share=0.0)
        nodes = [kind.head.node] + ([kind.lines.node] if kind.lines else [])
        for node in nodes:
            for field in (one for one in node.fields if not one.is_required):
                document = dict(bare.documents[0])
                value = {field.name: made.value(field, chance)}
                if not kind.is_nested:
                    document |= value
                elif node is kind.head.node:
                    document[node.name] = {**document[node.name], **value}
                else:
                    document[node.name] = tuple({**line, **value} for line in document[node.name])
                message = dataclasses.replace(bare, documents=(document,))
                data = write(message)
                assert public[kind.direction].validate(etree.fromstring(data)), (kind.type, field.name)
                assert read(data) == message, (kind.type, field.name)


@given(st.sampled_from(KINDS), st.integers(0, 2**32), st.sampled_from([0.0, 0.3, 1.0]))
def test_made_messages_of_every_type_are_the_same_after_writing(kind: spec.Kind, seed: int, share: float) -> None:
    message = made.message(kind, random.Random(seed), documents=2, lines=3, share=share)
    assert read(write(message)) == message


@st.composite
def messages(draw: st.DrawFn) -> Message:
    kind = draw(st.sampled_from(KINDS))
    chance = random.Random(draw(st.integers(0, 2**32)))
    return made.message(kind, chance, documents=draw(st.integers(1, 3)), lines=draw(st.integers(1, 4)))


@given(messages())
def test_parse_write_parse_is_the_identity(message: Message) -> None:
    data = write(message)
    assert read(data) == message
    assert write(read(data)) == data
    assert etree.tostring(etree.fromstring(data), method="c14n") == data


@given(messages(), st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=18))
def test_any_text_survives(message: Message, note: str) -> None:
    kind = spec.kind(message.type)
    node = kind.head.node
    field = (
        next(one for one in node.fields if one.sort == "text" and one.least == 0 and one.most >= 18)
        if any(one.sort == "text" and one.least == 0 and one.most >= 18 for one in node.fields)
        else None
    )
    if field is None or field.collapses or any(sign in note for sign in "\ufffe\uffff"):
        return
    document = dict(message.documents[0])
    if kind.is_nested:
        document[node.name] = {**document[node.name], field.name: note}
    else:
        document[field.name] = note
    changed = Message(message.type, message.guid, (document,), transfer=message.transfer, signature=message.signature)
    again = read(write(changed)).documents[0]
    assert (again[node.name] if kind.is_nested else again)[field.name] == note


def order(**head: str) -> bytes:
    message = made.message(spec.kind("CEB311"), random.Random(1))
    document = message.documents[0]
    changed = {**document, "OrderHead": {**document["OrderHead"], **head}}
    return compose(Message(message.type, message.guid, (changed,), transfer=message.transfer))


@pytest.mark.parametrize(
    ("head", "rule", "said"),
    [
        ({"goodsValue": "1.123456"}, "SCH-DECIMALS", "goodsValue may have 5 decimal places at most."),
        ({"goodsValue": "123456789012345678.12"}, "SCH-DIGITS", "goodsValue may have 19 digits at most."),
        ({"goodsValue": "12,5"}, "SCH-NUMBER", "goodsValue must be a decimal number with a point, such as 12.5."),
        ({"goodsValue": ""}, "SCH-EMPTY", "goodsValue may not be empty."),
        ({"orderNo": ""}, "SCH-EMPTY", "orderNo may not be empty."),
        ({"orderNo": "9" * 61}, "SCH-LENGTH", "orderNo may have 60 signs at most, it has 61."),
        ({"appTime": "2026"}, "SCH-LENGTH", "appTime must have exactly 14 signs, it has 4."),
        ({"currency": "502"}, "SCH-FIXED", "currency must be 142."),
    ],
)
def test_each_mistake_in_a_value_has_its_own_words(head: dict[str, str], rule: str, said: str) -> None:
    found = [one for one in check(order(**head)).findings if one.is_schema]
    assert [(one.rule, one.english) for one in found] == [(rule, said)]
    assert found[0].field == f"Order[1]/OrderHead/{next(iter(head))}"


@pytest.mark.parametrize(
    ("old", "new", "rule", "said"),
    [
        (b"CEB311Message", b"CEB311", "SCH-ROOT", "The root element is CEB311; it must be CEB311Message."),
        (b"CEB311Message", b"CEB999Message", "SCH-ROOT", "The root element is CEB999Message; no message is called so."),
        (b".cn/ceb", b".cn/CEB", "SCH-NAMESPACE", "The message is not in customs' namespace http://www.chinaport.gov.cn/ceb."),
        (b' version="1.0"', b"", "SCH-ATTRIBUTE", "The message lacks the attribute version."),
        (b' version="1.0"', b' version="1.0" id="1"', "SCH-ATTRIBUTE", "There may be no attribute id here."),
        (b"acturalPaid", b"actualPaid", "SCH-UNEXPECTED", "actualPaid may not stand here."),
        (b"</ceb:Order>", b"</ceb:Order>and", "SCH-TEXT", "Between the elements of CEB311Message stands text."),
        (b"<ceb:OrderHead>", b"<ceb:OrderHead><ceb:note>x</ceb:note>", "SCH-MISSING", "guid is missing."),
    ],
)  # fmt: skip
def test_each_mistake_in_the_build_has_its_own_words(old: bytes, new: bytes, rule: str, said: str) -> None:
    report = check(order().replace(old, new))
    assert not report.schema_valid
    assert (rule, said) in [(one.rule, one.english) for one in report.findings]


def test_two_base_transfers_are_named() -> None:
    data = order()
    transfer = data[data.index(b"<ceb:BaseTransfer>") : data.index(b"</ceb:BaseTransfer>") + 19]
    found = check(data.replace(transfer, transfer * 2)).findings
    assert ("SCH-REPEATED", "BaseTransfer") in [(one.rule, one.field) for one in found]


ENTITIES = b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "message_empty"),
        (b"\xef\xbb\xbf \n", "message_empty"),
        (b"not xml", "message_unreadable"),
        (b"<a><b></a>", "message_unreadable"),
        (ENTITIES + b"<x>&b;</x>", "message_has_dtd"),
        (b'<?xml version="1.0"?>\n<!-- a --><!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', "message_has_dtd"),
        ("\ufeff<!DOCTYPE x []><x/>".encode("utf-16-le"), "message_has_dtd"),
        (b"<x>&undefined;</x>", "message_has_dtd"),
        (b"<c:x>1</c:x>", "message_prefix"),
        (b'<?xml version="1.0" encoding="UTF-8"?><x>\xd6\xd0</x>', "message_encoding"),
        (b'<?xml version="1.0" encoding="KLINGON"?><x/>', "message_encoding_unknown"),
        (b"<a>" * 300 + b"</a>" * 300, "message_too_deep"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(data: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        check(data)
    assert refusal.value.code == code


def test_reads_with_and_without_byte_order_mark_and_in_other_encodings() -> None:
    data = order(orderNo="订单号")
    told = read(data)
    assert read(b"\xef\xbb\xbf" + data) == told
    declared = b'<?xml version="1.0" encoding="GB18030"?>' + data.decode().encode("gb18030")
    assert read(declared) == told
    wide = '<?xml version="1.0" encoding="UTF-16"?>' + data.decode()
    assert read(wide.encode("utf-16")) == told


def test_comments_and_processing_instructions_change_nothing() -> None:
    data = order()
    assert read(data.replace(b"<ceb:OrderHead>", b"<?pi x?><ceb:OrderHead><!-- remark -->")) == read(data)


def test_writer_refuses_what_would_be_lost_or_broken() -> None:
    message = read(order())
    document = message.documents[0]
    for change, refusal in (
        ({"orderNmber": "1"}, UnknownField),
        ({"orderNo": "a\x00b"}, CannotBeWritten),
        ({"orderNo": "x" * 61}, NotSchemaValid),
    ):
        head = {**document["OrderHead"], **change}
        with pytest.raises(refusal):
            write(Message("CEB311", message.guid, ({**document, "OrderHead": head},), transfer=message.transfer))
