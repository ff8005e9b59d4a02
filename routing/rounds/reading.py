"""Problems of rounds from JSON and CSV files: every fault is named by line or index, field and rule."""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from routing.files import json_of, read_text
from routing.network import yueyang
from routing.problem import BadProblem, Fault, from_validation
from routing.rounds.faults import faults
from routing.rounds.modes import in_mode
from routing.rounds.problem import MOST_STOPS, Mode, Problem
from routing.rounds.sheet import stops_of, trucks_of
from routing.units import iso

MOST_BYTES = 20_000_000
HUB = "CNCLJ"


@lru_cache(maxsize=1)
def shipped() -> dict[str, Any]:
    """Driver hours by day and a fleet to begin with (`routing/data/rounds.json`)."""
    document: dict[str, Any] = json.loads(files("routing").joinpath("data/rounds.json").read_text("utf-8"))
    return document


def hours_on(day: str) -> dict[str, Any]:
    """The driver hours that hold on a day (ISO). Raises BadProblem where none is known."""
    valid = [one for one in shipped()["hours"] if one["valid_from"] <= day]
    if not valid:
        raise BadProblem(
            [Fault("hours", "unknown_hours", f"no driver hours are known for {day}: name them in the file")]
        )
    return max(valid, key=lambda one: str(one["valid_from"]))


def read_rounds(
    path: Path, *, trucks: Path | None = None, hub: str = HUB, day: str = "2026-03-02", mode: Mode | None = None
) -> Problem:  # fmt: skip
    """The problem in a JSON file, or the stops of a CSV file with the trucks of another (else the shipped fleet).

    `mode` stands for the one that the file names. Raises BadProblem with every fault found.
    """
    text = read_text(path, MOST_BYTES)
    sheet = read_text(trucks, MOST_BYTES) if trucks is not None else None
    asked = asked_of(path, text, trucks=sheet, hub=hub, day=day, mode=mode)
    return in_mode(asked, asked.mode)


def asked_of(
    path: Path, text: str, *, trucks: str | None = None, fleet: list[dict[str, Any]] | None = None, hub: str = HUB,
    day: str, mode: Mode | None = None,
) -> Problem:  # fmt: skip
    """As `read_rounds` for a file's text, with each order still a stop of its own.

    To a sheet of stops belong the trucks of another sheet, else those of `fleet`, else the shipped ones.
    """
    if path.suffix.lower() != ".csv":
        return asked_problem(_in(mode, json_of(path, text, "amounts are whole g, cm3, s and fen")))
    found: list[Fault] = []
    stops = stops_of(StringIO(text, newline=""), day, found)
    rows = fleet if fleet is not None else shipped_trucks(hub, day)
    if trucks is not None:
        rows = trucks_of(StringIO(trucks, newline=""), hub, day, found)
    if found:
        raise BadProblem(found)
    return asked_problem(_in(mode, {"depots": [depot_document(hub, day)], "trucks": rows, "stops": stops}))


def _in(mode: Mode | None, document: Any) -> Any:
    return document if mode is None or not isinstance(document, dict) else document | {"mode": mode}


def depot_document(hub: str, day: str) -> dict[str, Any]:
    """A depot at a place of the network, open all day in Beijing time."""
    return {
        "code": hub, "place": hub, "open_at": f"{day}T00:00:00+08:00", "close_at": f"{day}T23:59:59+08:00",
        "load_s": 1800,
    }  # fmt: skip


def shipped_trucks(hub: str, day: str, count: int = 20) -> list[dict[str, Any]]:
    """The shipped fleet at one depot, from 6 to 20 o'clock in Beijing, twelve hours at most."""
    more = {
        "count": count, "depot": hub, "start_at": f"{day}T06:00:00+08:00", "end_at": f"{day}T20:00:00+08:00",
        "shift_s": 43_200,
    }  # fmt: skip
    return [{**one, **more} for one in shipped()["trucks"]]


def problem_of(document: Any) -> Problem:
    """The problem in plain JSON data as its mode wants it. Raises BadProblem."""
    asked = asked_problem(document)
    return in_mode(asked, asked.mode)


def asked_problem(document: Any) -> Problem:
    """The problem in plain JSON data: shipped places, hours and detour are filled in, each order is a stop of its own.

    Raises BadProblem.
    """
    if not isinstance(document, dict):
        raise BadProblem([Fault("(file)", "not_object", "rounds are a JSON object with depots, trucks and stops")])
    rows = sum(len(document[name]) for name in ("stops", "transfers") if isinstance(document.get(name), list))
    if rows > MOST_STOPS:
        raise BadProblem([Fault("stops", "too_many", f"{rows} stops and transfers; at most {MOST_STOPS} at once")])
    try:
        document = _official(dict(document))
    except RecursionError as error:
        raise BadProblem([Fault("(file)", "not_json", "the file is nested too deep")]) from error
    road = yueyang().rules.road
    document.setdefault("detour_permille", road.detour_permille)
    document.setdefault("detour_source", road.detour_source)
    if "hours" not in document:
        document["hours"] = hours_on(_day(document))
    try:
        problem = Problem.model_validate(document)
    except ValidationError as error:
        raise from_validation(error) from error
    if found := list(faults(problem)):
        raise BadProblem(found)
    return problem


def _rows(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects of a list; the model names what is none."""
    rows = document.get(name)
    return [one for one in rows if isinstance(one, dict)] if isinstance(rows, list) else []


def _day(document: dict[str, Any]) -> str:
    """The day on which the first truck leaves, where the document says one."""
    days = []
    for one in _rows(document, "trucks"):
        at = one.get("start_at")
        try:
            text = iso(at) if isinstance(at, int) else str(at)
            days.append(datetime.fromisoformat(text).date().isoformat())
        except (OverflowError, ValueError, OSError):
            continue  # the model names it
    return min(days, default="2026-01-01")


def _official(document: dict[str, Any]) -> dict[str, Any]:
    """The document with aliases and names resolved, and the shipped places that it names."""
    known = {place.code: place for place in yueyang().places}
    names = {name: place.code for place in yueyang().places for name in (place.name_zh, place.name_en.upper())}
    own = {code for one in _rows(document, "places") if isinstance(code := one.get("code"), str)}
    named: dict[str, None] = {}

    def walk(value: Any) -> Any:
        if isinstance(value, list):
            return [walk(one) for one in value]
        if not isinstance(value, dict):
            return value
        value = {name: walk(one) for name, one in value.items()}
        written = value.get("place")
        if isinstance(written, str) and written not in own:
            code = yueyang().official(written)
            value["place"] = code = names.get(code, code)
            if code in known:
                named[code] = None
        return value

    for name in ("depots", "stops", "transfers"):
        if name in document:
            document[name] = walk(document[name])
    sites = [
        {name: getattr(known[code], name) for name in ("code", "name_zh", "name_en", "lat_udeg", "lon_udeg")}
        for code in sorted(named)
        if code not in own
    ]
    if isinstance(document.get("places", []), list):
        document["places"] = [*document.get("places", []), *sites]
    return document
