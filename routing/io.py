"""Problem and plan files: JSON in, JSON out, every fault named by field and rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from routing.network import yueyang_document
from routing.plan import Plan
from routing.problem import BadProblem, Fault, Problem, check, from_validation

MOST_BYTES = 400_000_000
MOST_CONSIGNMENTS = 200_000


def read_problem(path: Path) -> Problem:
    """The problem in a file. Raises BadProblem; `network` may be the name 'yueyang' instead of a whole network."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadProblem([Fault("(file)", "too_large", f"the file has more than {MOST_BYTES} bytes")])
        document = json.loads(path.read_text("utf-8"), parse_float=_no_float, parse_constant=_no_float)
    except OSError as error:
        raise BadProblem([Fault("(file)", "unreadable", f"{path}: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise BadProblem([Fault("(file)", "not_utf8", f"{path} is not UTF-8 at byte {error.start}")]) from error
    except json.JSONDecodeError as error:
        raise BadProblem([Fault("(file)", "not_json", f"{path} line {error.lineno}: {error.msg}")]) from error
    except RecursionError as error:
        raise BadProblem([Fault("(file)", "not_json", f"{path} is nested too deep")]) from error
    return problem_of(document)


def _no_float(text: str) -> Any:
    raise BadProblem([Fault("(file)", "not_integer", f"{text} is no integer: amounts are whole g, cm3, mm and fen")])


def problem_of(document: Any) -> Problem:
    """The problem in plain JSON data. Raises BadProblem with every fault found."""
    if not isinstance(document, dict):
        raise BadProblem(
            [Fault("(file)", "not_object", "a problem is a JSON object with network, options and consignments")]
        )
    goods = document.get("consignments")
    if isinstance(goods, list) and len(goods) > MOST_CONSIGNMENTS:
        raise BadProblem(
            [
                Fault(
                    "consignments", "too_many", f"{len(goods)} consignments; at most {MOST_CONSIGNMENTS} in one problem"
                )
            ]
        )
    network = document.get("network", "yueyang")
    if isinstance(network, str):
        if network != "yueyang":
            raise BadProblem(
                [Fault("network", "unknown_network", f"{network!r} is no network of this program; 'yueyang' is")]
            )
        document = {**document, "network": yueyang_document()}
    try:
        return check(Problem.model_validate(document))
    except ValidationError as error:
        raise from_validation(error) from error


def write_problem(problem: Problem, path: Path) -> None:
    """The problem as JSON."""
    path.write_text(problem.model_dump_json(indent=1), "utf-8")


def write_plan(plan: Plan, path: Path) -> None:
    """The plan as JSON."""
    path.write_text(plan.model_dump_json(indent=1), "utf-8")


def read_plan(text: str) -> Plan:
    """A plan written by `write_plan`. Raises pydantic.ValidationError."""
    return Plan.model_validate_json(text)
