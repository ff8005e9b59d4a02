"""Signatures: made and verified with a test key, in the place of each direction; a change of one sign is seen."""

import random
from pathlib import Path

import pytest
from lxml import etree

from tests.wms.customs.messages import made
from tests.wms.customs.messages.test_schema import sample, schemas
from wms.customs.messages import Extension, Message, check, spec
from wms.customs.messages.signing import CannotBeSigned, SoftwareKey, make_test_key, verify
from wms.customs.messages.writing import compose


@pytest.fixture(scope="module")
def key() -> SoftwareKey:
    return make_test_key("zone")


def message(message_type: str, extension: Extension | None = None) -> bytes:
    one = made.message(spec.kind(message_type), random.Random(3))
    return compose(Message(one.type, one.guid, one.documents, transfer=one.transfer, extension=extension))


@pytest.mark.parametrize("message_type", ["CEB311", "CEB621", "CEB303", "CEB603"])
def test_signs_in_the_place_of_the_direction_and_verifies(message_type: str, key: SoftwareKey) -> None:
    signed = key.sign(message(message_type, Extension("n", "1")))
    assert check(signed).schema_valid
    said = verify(signed, [key.certificate])
    assert (said.state, said.key_name, said.subject) == ("valid", key.name, "CN=TEST zone")
    last = etree.QName(etree.fromstring(signed)[-1]).localname
    assert last == ("Signature" if spec.kind(message_type).direction == "import" else "ExtendMessage")


def test_what_is_signed_is_valid_for_the_public_schemas(shared: Path, key: SoftwareKey) -> None:
    assert schemas(shared)["import"].validate(etree.fromstring(key.sign(message("CEB621"))))
    assert schemas(shared)["export"].validate(etree.fromstring(key.sign(message("CEB603"))))


def test_one_changed_sign_is_seen(key: SoftwareKey) -> None:
    signed = key.sign(message("CEB621"))
    changed = signed.replace(b'version="1.0"', b'version="1.1"')
    assert verify(changed, [key.certificate]).state == "invalid"


def test_a_key_that_is_not_trusted_a_method_not_known_and_no_signature(shared: Path, key: SoftwareKey) -> None:
    assert verify(key.sign(message("CEB621")), [make_test_key("other").certificate]).state == "untrusted"
    assert verify(message("CEB311"), [key.certificate]).state == "unsigned"
    assert verify(sample(shared, "import/CEB621Message.xml"), [key.certificate]).state == "not_judged"


def test_signing_again_replaces_the_signature(key: SoftwareKey) -> None:
    again = key.sign(key.sign(message("CEB311")))
    assert again.count(b"<ds:SignatureValue>") == 1
    assert verify(again, [key.certificate]).state == "valid"


def test_receipts_are_not_signed(key: SoftwareKey) -> None:
    with pytest.raises(CannotBeSigned):
        key.sign(message("CEB622"))
