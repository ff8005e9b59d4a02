"""Personal data: sealed by field and key, found by blind index, masked, and readable after a new key."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from wms.parties import private
from wms.parties.private import KeyLost, Vault, mask

VAULT = Vault({1: b"a" * 32}, b"i" * 32)


def test_opens_what_it_sealed_and_never_seals_alike() -> None:
    one, other = VAULT.seal("13800001111", "phone"), VAULT.seal("13800001111", "phone")
    assert one != other
    assert VAULT.open(one, "phone") == "13800001111"
    assert b"13800001111" not in one


def test_a_sealed_field_is_no_other_field() -> None:
    with pytest.raises(KeyLost):
        VAULT.open(VAULT.seal("13800001111", "phone"), "name")


def test_a_changed_byte_is_noticed() -> None:
    sealed = bytearray(VAULT.seal("13800001111", "phone"))
    sealed[-1] ^= 1
    with pytest.raises(KeyLost, match="key 1 is missing or the data was changed"):
        VAULT.open(bytes(sealed), "phone")


def test_a_new_key_seals_and_the_old_one_still_opens(tmp_path: Path) -> None:
    old = private.open_vault(tmp_path)
    sealed = old.seal("张三", "name")
    new = private.add_key(tmp_path)
    assert new.open(sealed, "name") == "张三"
    assert (private.key_id_of(sealed), private.key_id_of(new.seal("张三", "name"))) == (1, 2)
    assert new.blind("张三", "name") == old.blind("张三", "name")
    assert private.open_vault(tmp_path) == new


def test_a_secret_that_was_taken_away_leaves_the_others_their_numbers(tmp_path: Path) -> None:
    old, new = private.open_vault(tmp_path), private.add_key(tmp_path)
    path = tmp_path / private.FOLDER / private.SECRETS
    path.write_text("-\n" + path.read_text().split()[1] + "\n")
    left = private.open_vault(tmp_path)
    assert left.open(new.seal("张三", "name"), "name") == "张三"
    with pytest.raises(KeyLost, match="key 1"):
        left.open(old.seal("张三", "name"), "name")


def test_secrets_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    private.add_key(tmp_path)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / private.FOLDER).iterdir()}
    assert modes == {0o600}


def test_a_missing_key_is_named() -> None:
    sealed = replace(VAULT, keys={7: b"b" * 32}).seal("x", "name")
    with pytest.raises(KeyLost, match="key 7"):
        VAULT.open(sealed, "name")


def test_keys_are_not_shown() -> None:
    assert "aaaa" not in repr(VAULT)


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("11010519491231002x", " 11010519491231002X", "id"),
        ("+86 138-0000-1111", "13800001111", "phone"),
        ("岳阳市 岳阳楼区１号", "岳阳市岳阳楼区1号", "address"),
    ],
)
def test_the_same_value_has_one_index_however_it_is_written(one: str, other: str, kind: str) -> None:
    assert VAULT.blind(one, kind) == VAULT.blind(other, kind)


def test_a_phone_number_is_not_found_as_a_name() -> None:
    assert VAULT.blind("13800001111", "phone") != VAULT.blind("13800001111", "name")


@pytest.mark.parametrize(
    ("text", "kind", "shown"),
    [
        ("11010519491231002X", "id", "110****2X"),
        ("13800001111", "phone", "138****11"),
        ("张三", "name", "张*"),
        ("岳阳市岳阳楼区1号", "address", "岳阳市****"),
        ("1", "id", "1*"),
        ("", "name", "-"),
        (None, "name", "-"),
    ],
)
def test_masks(text: str | None, kind: str, shown: str) -> None:
    assert mask(text, kind) == shown
