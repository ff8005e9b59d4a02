"""Reading a file that a person gives: too large, unreadable, not UTF-8, no JSON, each refused in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from routing.problem import BadProblem, Fault


def read_text(path: Path, most_bytes: int) -> str:
    """The file's text; a byte order mark is no part of it. Raises BadProblem."""
    try:
        if path.stat().st_size > most_bytes:
            raise _refused("too_large", f"the file has more than {most_bytes} bytes")
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise _refused("unreadable", f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _refused("not_utf8", f"{path} is not UTF-8 at byte {error.start}") from error


def json_of(path: Path, text: str, whole: str | None = None) -> Any:
    """The JSON of a file's text. Where all amounts are ``whole`` numbers of these units, others are refused.

    Raises BadProblem.
    """

    def refuse(number: str) -> NoReturn:
        raise _refused("not_integer", f"{number} is no integer: {whole}")

    number = refuse if whole is not None else None
    try:
        return json.loads(text, parse_float=number, parse_constant=number)
    except json.JSONDecodeError as error:
        raise _refused("not_json", f"{path} line {error.lineno}: {error.msg}") from error
    except RecursionError as error:
        raise _refused("not_json", f"{path} is nested too deep") from error
    except ValueError as error:  # a number of thousands of digits
        raise _refused("not_json", f"{path}: {error}") from error


def read_json(path: Path, most_bytes: int, whole: str | None = None) -> Any:
    """As :func:`json_of` of :func:`read_text`."""
    return json_of(path, read_text(path, most_bytes), whole)


def _refused(rule: str, text: str) -> BadProblem:
    return BadProblem([Fault("(file)", rule, text)])
