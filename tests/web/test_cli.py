"""The command: what the user can mend is said in one line; exit statuses are what others rely on."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from tests.conftest import Urls
from tests.web.machine.conftest import open_folder
from web.auth.passwords import matches
from web.auth.tables import Credential
from web.cli import dongting
from wms.db import Database, Scope

__all__ = ["open_folder"]
ROOT = Path(__file__).parents[2]


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DONGTING_")}
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "web.cli", *arguments],
        capture_output=True, text=True, check=False, cwd=ROOT, env=clean | environ,
    )  # fmt: skip


def test_help_names_every_command() -> None:
    shown = CliRunner().invoke(dongting, ["--help"])
    assert shown.exit_code == 0
    shown_names = {line.split()[0] for line in shown.output.splitlines() if line.startswith("  ")}
    assert shown_names >= {"demo", "up", "web", "ingest", "worker", "yard", "cert", "backup", "restore", "db", "verify"}
    assert shown_names >= {"token", "plan", "device"}


def test_every_command_has_its_own_help() -> None:
    for name in dongting.list_commands(None):  # type: ignore[arg-type]
        shown = CliRunner().invoke(dongting, [name, "--help"])
        assert (name, shown.exit_code) == (name, 0), shown.output


@pytest.mark.parametrize(
    ("arguments", "environ", "told"),
    [
        (["up", "--port", "eighty"], {}, "DONGTING_PORT must be a whole number from 1 to 65535"),
        (["web"], {"DONGTING_DATABASE_URL": "mysql://x"}, "DONGTING_DATABASE_URL must be a URL like postgresql://"),
        (["db", "check"], {"DONGTING_DATABASE_URL": "postgresql://a@127.0.0.1:1/x"}, "cannot be reached"),
        (["verify"], {"DONGTING_DATABASE_URL": "postgresql://a@127.0.0.1:1/x"}, "The database says: "),
        (["worker"], {"DONGTING_DATABASE_URL": "postgresql://a@127.0.0.1:1/x"}, "The database says: "),
        (["up", "--host", "192.0.2.1"], {}, "listen on 192.0.2.1"),
        (["up", "--tls"], {}, "Make one with: dongting cert"),
        (["restore", "README.md"], {}, "README.md cannot be restored"),
    ],
)
def test_bad_input_is_told_in_one_line(
    open_folder: Path, arguments: list[str], environ: dict[str, str], told: str
) -> None:
    ended = run(*arguments, **{"DONGTING_DATA": str(open_folder / "data")} | environ)
    assert ended.returncode == 1, ended
    assert told in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_data_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = run("up", "--data", str(tmp_path / "file"))
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "Traceback" not in ended.stderr


def test_unknown_commands_and_options_are_usage_errors() -> None:
    assert run("fly").returncode == 2
    assert run("up", "--fast").returncode == 2


def test_refuses_to_serve_as_owner_or_superuser(urls: Urls) -> None:
    for url in (urls.owner, urls.superuser):
        ended = run("web", DONGTING_DATABASE_URL=url)
        assert ended.returncode == 1
        assert "dongting_app" in ended.stderr
        assert len(ended.stderr.splitlines()) == 1


def test_check_tells_current_from_not(urls: Urls, fresh_urls: Urls) -> None:
    current = run("db", "check", DONGTING_DATABASE_URL=urls.app, DONGTING_DATABASE_OWNER_URL=urls.owner)
    assert (current.returncode, current.stderr) == (0, "")
    empty = fresh_urls.owner.replace(fresh_urls.name, "postgres")
    behind = run("db", "check", DONGTING_DATABASE_OWNER_URL=empty.replace("/postgres?", "/template1?"),
                 DONGTING_DATABASE_URL=urls.app)  # fmt: skip
    assert behind.returncode == 1
    assert "dongting db migrate" in behind.stdout


def test_verify_is_clean_on_a_new_database(fresh_urls: Urls) -> None:
    ended = run("verify", DONGTING_DATABASE_URL=fresh_urls.app)
    assert (ended.returncode, ended.stdout) == (0, "Clean: no finding.\n")
    assert run("verify", "--json", DONGTING_DATABASE_URL=fresh_urls.app).stdout == ""


def test_token_prints_nothing_but_the_token(fresh_urls: Urls) -> None:
    made = run("token", "create", "--role", "clerk", DONGTING_DATABASE_URL=fresh_urls.app)
    assert made.returncode == 0
    assert made.stdout.startswith("dt_")
    assert len(made.stdout.split()) == 1
    refused = run("token", "create", "--role", "king", DONGTING_DATABASE_URL=fresh_urls.app)
    assert refused.returncode == 2
    assert "'king' is not one of 'clerk'" in refused.stderr


def test_the_first_person_can_be_entered_and_log_in(fresh_urls: Urls) -> None:
    made = run("person", "create", "--login", "first", DONGTING_DATABASE_URL=fresh_urls.app)
    assert made.returncode == 0, made.stderr
    login, password = made.stdout.split()
    assert login == "first"
    with closing(Database(fresh_urls.app)) as database, database.unit_of_work(Scope.system()) as session:
        kept = session.scalars(select(Credential.password_hash)).one()
    assert matches(password, kept)
    assert run("verify", DONGTING_DATABASE_URL=fresh_urls.app).returncode == 0
    again = run("person", "create", "--login", "first", DONGTING_DATABASE_URL=fresh_urls.app)
    assert again.returncode == 1
    assert len(again.stderr.splitlines()) == 1


def test_cert_prints_what_to_install(tmp_path: Path) -> None:
    ended = run("cert", "--data", str(tmp_path), "--name", "warehouse.local")
    assert ended.returncode == 0
    assert str(tmp_path / "certificates" / "dongting-authority.crt") in ended.stdout
    assert "https://warehouse.local:8000" in ended.stdout
