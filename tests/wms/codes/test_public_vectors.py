"""Agreement with public test vectors (GS1 syntax engine, ISO 6346, UPU S10), where they are at hand."""

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest

from wms.codes import containers, gs1, gs1_keys, postal, unlocode

SHARED = Path(os.environ.get("DONGTING_SHARED", Path(__file__).parents[4] / "shared"))
INTEROP = SHARED / "data" / "interop"


def sample(name: str) -> Any:
    path = INTEROP / name
    if not path.exists():
        if "shared" in os.environ.get("DONGTING_REQUIRE", ""):
            pytest.fail(f"DONGTING_REQUIRE asks for the public samples, but {path} is absent")
        pytest.skip(f"public samples are not at {SHARED} (set DONGTING_SHARED)")
    return json.loads(path.read_text(encoding="utf-8"))


def test_element_strings_agree_with_the_gs1_syntax_engine() -> None:
    checked = 0
    for vector in sample("gs1/ai_fnc1_process.json")["vectors"]:
        verdict, text = vector["args"]
        # "buf" rows name a C variable; "~" is one of our stand-ins for FNC1 and no character of CSET 82.
        if vector["settings"] or not text.startswith("^") or "~" in text:
            continue
        label = gs1.read("]d2" + text[1:].replace("^", gs1.GS))
        assert (label.fault is None) == (verdict == "true"), text
        checked += 1
    assert checked > 60


def test_scan_data_agrees_with_the_gs1_syntax_engine() -> None:
    checked = 0
    for vector in sample("gs1/scandata.json")["process"]:
        verdict, text = vector["args"][:2]
        # Without content, or without a GS1 symbology, the engine judges the carrier; we judge the label.
        if vector["settings"] or len(text) <= 3 or text[:3] in {"]Q1", "]d1", "]J0", "ABC"}:
            continue
        assert (gs1.read(text).fault is None) == (verdict == "true"), text
        checked += 1
    assert checked > 20


def test_printed_form_agrees_with_the_gs1_syntax_engine() -> None:
    checked = 0
    for vector in sample("gs1/ai_bracketed_parse.json")["vectors"]:
        verdict, text, _ = vector["args"]
        if vector["settings"] or not text.startswith("("):
            continue
        label = gs1.read(text, "]d2")
        assert (label.fault is None) == (verdict == "true"), text
        checked += 1
    assert checked > 10


def test_check_digits_agree_with_the_gs1_linter() -> None:
    for data, ok, *_ in sample("gs1/linter_vectors.json")["linters"]["csum"]:
        assert gs1_keys.has_check_digit(data) == ok, data


def test_container_and_postal_numbers_agree_with_public_cases() -> None:
    cases = sample("codes/check_digit_vectors.json")
    for number in cases["iso6346"]["valid"]:
        assert containers.check(number), number
    for number in cases["iso6346"]["invalid"]:
        assert not containers.check(number), number
    for number in cases["s10"]["valid"]:
        assert postal.is_postal_item(number), number
    for number in cases["s10"]["invalid"]:
        assert not postal.is_postal_item(number), number


def test_every_alias_leads_to_a_listed_place() -> None:
    sample("codes/check_digit_vectors.json")
    listed = set()
    for name in ("cn_all", "eurasia_nodes", "world_main_ports"):
        with (INTEROP / "unlocode" / f"unlocode_{name}.csv").open(encoding="utf-8") as file:
            listed |= {row["code"] for row in csv.DictReader(file)}
    assert set(unlocode.aliases().values()) - listed <= {"PLMAA"}  # a rail terminal outside these extracts
    assert all(unlocode.has_shape(code) for code in listed)
