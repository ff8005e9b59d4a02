"""The one table of settings: read, refused, kept secret, printed."""

import re
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from wms.settings import (
    TABLE,
    BadSetting,
    Settings,
    as_markdown,
    kept_secret,
    load_settings,
)

ROOT = Path(__file__).parents[2]


def test_defaults_need_no_variable() -> None:
    settings = load_settings({})
    assert (settings.host, settings.port, settings.locale, settings.tenant_id) == ("127.0.0.1", 8000, "zh", 1)
    assert settings.is_embedded
    assert settings.broker_url == "mqtt://127.0.0.1:1883"


def test_every_field_stands_in_the_table_in_order() -> None:
    assert [field.name for field in fields(Settings)] == [row.name for row in TABLE]


def test_pools_fit_in_the_embedded_server() -> None:
    settings = load_settings({})
    assert settings.web_pool + settings.worker_pool + settings.ingest_pool <= 80


@pytest.mark.parametrize(
    ("variable", "given", "rule"),
    [
        ("DONGTING_PORT", "eighty", "a whole number from 1 to 65535"),
        ("DONGTING_PORT", "70000", "a whole number from 1 to 65535"),
        ("DONGTING_PORT", "٨٠٨٠", "a whole number"),
        ("DONGTING_LOCALE", "fr", "one of zh, en"),
        ("DONGTING_MQTT_URL", "http://broker", "mqtt://"),
        ("DONGTING_MQTT_URL", "mqtt://broker:port", "mqtt://"),
        ("DONGTING_TIME_ZONE", "Mars/Olympus", "time zone"),
        ("DONGTING_LOG_LEVEL", "loud", "one of debug"),
    ],
)
def test_names_variable_and_rule_of_a_bad_value(variable: str, given: str, rule: str) -> None:
    with pytest.raises(BadSetting, match=f"{variable} must be .*{re.escape(rule)}"):
        load_settings({variable: given})


@pytest.mark.parametrize("variable", ["DONGTING_SECRET_KEY", "DONGTING_DATABASE_URL"])
def test_never_repeats_a_bad_secret(variable: str) -> None:
    with pytest.raises(BadSetting) as refused:
        load_settings({variable: "mysql:hunter2"})
    assert "hunter2" not in str(refused.value)


def test_shows_no_secret_in_its_own_text() -> None:
    settings = load_settings({"DONGTING_SECRET_KEY": "k" * 40, "DONGTING_DATABASE_URL": "postgresql://a:hunter2@h/d"})
    assert "hunter2" not in repr(settings)
    assert "kkkk" not in repr(settings)


def test_any_postgresql_url_becomes_the_psycopg_one() -> None:
    assert load_settings({"DONGTING_DATABASE_URL": "postgres://a@h/d"}).database_url == "postgresql+psycopg://a@h/d"


def test_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        load_settings({}).port = 1  # type: ignore[misc]


def test_secret_key_is_made_once_and_private(tmp_path: Path) -> None:
    settings = load_settings({"DONGTING_DATA": str(tmp_path / "new folder")})
    first = settings.secret_key
    assert len(first) >= 32
    assert settings.secret_key == first
    assert stat.S_IMODE((tmp_path / "new folder" / "secret_key").stat().st_mode) == 0o600


def test_racing_processes_get_the_same_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        made = set(pool.map(lambda _: kept_secret(tmp_path / "secret"), range(16)))
    assert len(made) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_documented_settings_are_these() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == as_markdown()
