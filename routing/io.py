"""Problem and plan files: JSON in, JSON out, every fault named by field and rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from routing.files import read_json
from routing.network import yueyang_document
from routing.plan import Plan
from routing.problem import BadProblem, Fault, Problem, check, from_validation

MOST_BYTES = 400_000_000
MOST_CONSIGNMENTS = 200_000


def read_problem(path: Path) -> Problem:
    """The problem in a file. Raises BadProblem; `network` may be the name 'yueyang' instead of a whole network."""
    return problem_of(document_of(path))


def document_of(path: Path) -> Any:
    """The plain JSON data of a problem's file. Raises BadProblem."""
    return read_json(path, MOST_BYTES, "amounts are whole g, cm3, mm and fen")


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


def read_plan(path: Path) -> Plan:
    """A plan written by `write_plan`. Raises BadProblem."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadProblem([Fault("(plan)", "too_large", f"the file has more than {MOST_BYTES} bytes")])
        return Plan.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BadProblem([Fault("(plan)", "unreadable", f"{path}: {error.strerror}")]) from error
    except ValidationError as error:
        raise from_validation(error) from error
