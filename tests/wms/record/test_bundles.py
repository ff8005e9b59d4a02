"""Signed bundles: the same files give the same bytes, every kind of tampering is named, tools of others verify them."""

import io
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from wms.record import bundles
from wms.record.bundles import BadEvidenceKey, BundleKey, open_bundle, pack, signing_key

KEY = BundleKey(Ed25519PrivateKey.from_private_bytes(b"k" * 32))
FILES = {"a.json": b"{}\n", "dir/b.bin": bytes(range(256)), "empty": b""}
GOOD = pack(FILES, {"kind": "test"}, KEY)


def codes(bundle: bytes, trusted: str | None = None) -> set[tuple[str, str]]:
    return {(one.code, one.file) for one in open_bundle(bundle, trusted).faults}


def zipped(files: Mapping[str, bytes]) -> bytes:
    """As we zip, so that only the content is what is wrong."""
    return bundles._zipped(files)


def opened() -> dict[str, bytes]:
    return dict(open_bundle(GOOD).files)


def test_the_same_files_give_the_same_bytes_whatever_their_order() -> None:
    assert pack(dict(reversed(FILES.items())), {"kind": "test"}, KEY) == GOOD
    assert codes(GOOD) == set()
    assert codes(GOOD, KEY.key_id.upper() + " ") == set()


@pytest.mark.parametrize("name", sorted(opened()))
def test_a_changed_file_is_named(name: str) -> None:
    files = opened()
    files[name] = files[name][:-1] + bytes([files[name][-1] ^ 1]) if files[name] else b"x"
    found = codes(zipped(files))
    assert found
    if name == bundles.MANIFEST:
        assert {code for code, _ in found} & {"signature_broken", "manifest_unreadable"}
    elif name == bundles.SIGNATURE:
        assert found == {("signature_broken", name)}
    else:
        assert ("file_changed", name) in found


@pytest.mark.parametrize("name", sorted(opened()))
def test_a_missing_file_is_named(name: str) -> None:
    files = {other: content for other, content in opened().items() if other != name}
    wanted = {bundles.MANIFEST: "no_manifest", bundles.SIGNATURE: "no_signature", bundles.PUBLIC_KEY: "no_public_key"}
    assert (wanted.get(name, "file_missing"), name) in codes(zipped(files))


def test_an_added_file_is_named() -> None:
    assert codes(zipped(opened() | {"note.txt": b"I was there"})) == {("file_unexpected", "note.txt")}


def test_a_name_that_stands_twice_is_named() -> None:
    buffer = io.BytesIO(GOOD)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("a.json", b"other")
    assert ("file_twice", "a.json") in codes(buffer.getvalue())


def test_whoever_signs_anew_is_known_by_the_key() -> None:
    forged = pack(FILES | {"a.json": b'{"verdict":"lift"}'}, {"kind": "test"}, BundleKey(Ed25519PrivateKey.generate()))
    assert codes(forged) == set()  # it is whole: only the key tells
    assert codes(forged, KEY.key_id) == {("key_not_trusted", bundles.PUBLIC_KEY)}


def test_another_key_inside_does_not_hold_for_the_signature() -> None:
    other = BundleKey(Ed25519PrivateKey.generate())
    found = codes(zipped(opened() | {bundles.PUBLIC_KEY: other.public_pem}), KEY.key_id)
    assert {code for code, _ in found} == {"key_id_differs", "signature_broken", "key_not_trusted", "file_changed"}


@pytest.mark.parametrize("cut", [0, 1, 10, len(GOOD) // 2, len(GOOD) - 1])
def test_a_cut_file_is_no_bundle(cut: int) -> None:
    assert codes(GOOD[:cut])


@pytest.mark.parametrize("around", [(b"", b"more"), (b"MZ", b"")])
def test_bytes_before_or_after_the_archive_are_found(around: tuple[bytes, bytes]) -> None:
    assert codes(around[0] + GOOD + around[1])


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_no_byte_can_be_changed_unseen(place: int, flip: int) -> None:
    changed = GOOD[:place] + bytes([GOOD[place] ^ flip]) + GOOD[place + 1 :]
    assert codes(changed)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=2000))
def test_any_bytes_give_faults_and_never_an_exception(content: bytes) -> None:
    assert codes(content)


def test_what_unpacks_to_too_much_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "LARGEST", 100)
    assert codes(GOOD) == {("too_large", "")}


def test_the_key_is_made_once_and_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    first, again = signing_key(tmp_path), signing_key(tmp_path)
    assert first.key_id == again.key_id
    assert (tmp_path / bundles.KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert first.key_id != signing_key(tmp_path / "elsewhere").key_id


def test_a_file_that_holds_no_such_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / bundles.KEY_FILE
    path.parent.mkdir()
    path.write_text("not a key")
    with pytest.raises(BadEvidenceKey):
        signing_key(tmp_path)


def test_openssl_and_sha256sum_verify_it_without_us(tmp_path: Path) -> None:
    if shutil.which("openssl") is None or shutil.which("sha256sum") is None:
        pytest.skip("openssl and sha256sum are not installed")
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        archive.extractall(tmp_path)
    command = "openssl pkeyutl -verify -pubin -inkey public_key.pem -rawin -in manifest.json -sigfile manifest.sig"
    said = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Signature Verified Successfully" in said.stdout, said.stderr
    sums = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path, capture_output=True, check=False)
    assert sums.returncode == 0
