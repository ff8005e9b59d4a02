"""The tables that lie beside the seed as CSV and JSON."""

import csv
import io
import json
from importlib.resources import files
from typing import Any


def rows_of(name: str) -> list[dict[str, str]]:
    """The rows of ``data/<name>``, a CSV file with a header."""
    text = files("web.demo").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def document_of(name: str) -> Any:
    """The content of ``data/<name>``, a JSON file."""
    return json.loads(files("web.demo").joinpath("data", name).read_text(encoding="utf-8"))
