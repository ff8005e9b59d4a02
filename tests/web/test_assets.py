"""Files for browsers: vendored byte for byte, addressed by content, kept for good."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from web import assets

ROOT = Path(__file__).parents[2]


@pytest.fixture
def vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("vendor", ROOT / "tools" / "vendor.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("folder", ["FOLDER", "TESTS"])
def test_every_vendored_file_is_as_the_lock_says(vendor: ModuleType, folder: str) -> None:
    vendor.use(getattr(vendor, folder))
    assert vendor.read_lock()
    assert vendor.findings() == []


def test_finds_a_changed_a_missing_and_an_unlisted_file(
    vendor: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendor, "FOLDER", tmp_path)
    monkeypatch.setattr(vendor, "LOCK", tmp_path / "vendor.lock.json")
    (tmp_path / "a@1").mkdir()
    (tmp_path / "a@1" / "same.js").write_bytes(b"same")
    digest = vendor.sha256_of(tmp_path / "a@1" / "same.js")
    files = {name: {"from": name, "sha256": digest} for name in ("same.js", "changed.js", "gone.js")}
    vendor.write_lock({"a@1": {"files": files}})
    (tmp_path / "a@1" / "changed.js").write_bytes(b"other")
    (tmp_path / "a@1" / "new.js").write_bytes(b"new")
    assert vendor.findings() == [
        "a@1/changed.js differs from the lock", "a@1/gone.js is missing", "a@1/new.js is not in the lock"
    ]  # fmt: skip


def test_each_vendored_package_states_licence_and_integrity(vendor: ModuleType) -> None:
    for folder, entry in vendor.read_lock().items():
        assert entry["licence"], folder
        assert entry["integrity"].startswith("sha512-"), folder


def test_an_asset_is_addressed_by_its_content(app: APIFlask, client: FlaskClient) -> None:
    with app.test_request_context():
        address = assets.asset("htmx.org/htmx.min.js")
    assert re.fullmatch(r"/static/vendor/htmx\.org@[\d.]+/htmx\.min\.js\?v=[0-9a-f]{12}", address)
    with client.get(address) as said:
        assert "immutable" in said.headers["Cache-Control"]
    with client.get(address.partition("?")[0]) as said:
        assert said.headers["Cache-Control"] == "no-cache"


def test_a_template_cannot_point_to_a_file_that_is_not_there(app: APIFlask) -> None:
    with app.test_request_context(), pytest.raises(FileNotFoundError):
        assets.asset("js/not-there.js")


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static//etc/passwd"])
def test_gives_nothing_from_outside_the_folder(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code in (404, 308)


def test_wasm_is_served_as_wasm(app: APIFlask, client: FlaskClient) -> None:
    with app.test_request_context():
        address = assets.asset("zxing-wasm/zxing_reader.wasm")
    with client.get(address) as said:
        assert said.mimetype == "application/wasm"
