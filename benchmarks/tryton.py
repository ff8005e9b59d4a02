"""Tryton beside ours: the open warehouse ledger that is also double entry, on the same server, with the same work.

It is installed from PyPI into an environment of its own under ``build/`` and is never part of the product. Where it
cannot be installed (no network), a line says so and the ratios stay empty.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from wms.postgres import Urls

FOLDER = Path("build/tryton")
WANTED = ("trytond==8.0.*", "trytond_stock==8.0.*", "trytond_stock_lot==8.0.*", "psycopg[binary,pool]>=3.2,<4")
INSTALL_S, RUN_S = 300, 600


def measure(urls: Urls) -> dict[str, Any] | None:
    """Rates in lines a second (``receive_lines_per_s`` …) and times; None where Tryton cannot be run here."""
    python = FOLDER / "venv" / "bin" / "python"
    try:
        if not (FOLDER / "installed").exists():
            _install(python)
        return _run(python, urls)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        said = getattr(error, "stderr", None) or str(error)
        print(f"Tryton was not measured: {str(said).strip().splitlines()[-1]}", file=sys.stderr)
        return None


def _install(python: Path) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    _call([sys.executable, "-m", "venv", str(FOLDER / "venv")], INSTALL_S)
    _call([str(python), "-m", "pip", "install", "-q", *WANTED], INSTALL_S)
    (FOLDER / "installed").touch()


def _run(python: Path, urls: Urls) -> dict[str, Any]:
    url = urlsplit(urls.superuser.replace("postgresql+psycopg", "postgresql"))
    environ = os.environ | {"PGHOST": unquote(parse_qs(url.query)["host"][0])}
    script = Path(__file__).with_name("tryton_peer.py")
    said = _call([str(python), "-I", str(script), f"postgresql://{url.username}:{url.password}@/"], RUN_S, environ)
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def _call(command: list[str], timeout_s: float, environ: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=timeout_s, check=True)
    return done.stdout
