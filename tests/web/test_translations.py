"""Every text has its Chinese, with the same places for values; English pages hold no Chinese."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from tests.web.conftest import Doorman
from web.auth.policy import PEOPLE, policy_of
from web.i18n import CATALOGUES, SCRIPTS, script_texts, translations

ROOT = Path(__file__).parents[2]
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "N_": None, "ngettext": (1, 2)}
PLACES = re.compile(r"%\((\w+)\)[sd]")
CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\u3000-\u303f\uff00-\uffef]")
CHINESE_ON_PURPOSE = re.compile(r'<(\w+)[^>]*lang="zh-Hans"[^>]*>.*?</\1>', re.DOTALL)
CATALOGUE_FILES = sorted(CATALOGUES.glob("*/zh/LC_MESSAGES/messages.po"))


@cache
def texts() -> dict[str, str]:
    """Every text for people, with the place where it stands first."""
    found: dict[str, str] = {}
    for path in sources():
        method = "jinja2.ext.babel_extract" if path.suffix == ".html" else "python"
        options = {"extensions": "jinja2.ext.do"} if path.suffix == ".html" else {}
        for line, message, *_ in extract_from_file(method, path, KEYWORDS, options=options):
            for text in (message,) if isinstance(message, str) else message:
                found.setdefault(text, f"{path.relative_to(ROOT)}:{line}")
    found.update(dict.fromkeys(script_texts(), "web/static/js"))
    found.pop("", None)
    return found


def sources() -> Iterator[Path]:
    for room in ("web", "iot", "routing", "wms"):
        yield from sorted((ROOT / room).rglob("*.py"))
    yield from sorted((ROOT / "web" / "templates").rglob("*.html"))


def test_every_text_has_its_chinese() -> None:
    zh = translations("zh")._catalog
    missing = [f"{place}: {text}" for text, place in texts().items() if not zh.get(text)]
    assert not missing, "without Chinese:\n" + "\n".join(missing)


def test_finds_texts_in_python_templates_and_scripts() -> None:
    assert {"Log in", "Please log in, or send an API token.", "is missing"} <= set(texts())
    assert SCRIPTS.is_dir()


@pytest.mark.parametrize("path", CATALOGUE_FILES, ids=lambda path: str(path.relative_to(CATALOGUES).parts[0]))
def test_a_translation_is_settled_and_keeps_the_places_for_values(path: Path) -> None:
    with path.open("rb") as file:
        catalogue = read_po(file, locale="zh")
    wrong = []
    for message in catalogue:
        for said in (message.string,) if isinstance(message.string, str) else message.string:
            text = message.id if isinstance(message.id, str) else message.id[-1]
            if message.fuzzy and message.id:
                wrong.append(f"unsettled: {text}")
            if message.id and sorted(PLACES.findall(text)) != sorted(PLACES.findall(said)):
                wrong.append(f"other places: {text} → {said}")
    assert not wrong, "\n".join(wrong)


def test_no_text_is_translated_in_two_ways() -> None:
    said: dict[str, dict[str, str]] = {}
    for path in CATALOGUE_FILES:
        with path.open("rb") as file:
            for message in read_po(file, locale="zh"):
                if isinstance(message.id, str) and message.id and isinstance(message.string, str):
                    said.setdefault(message.id, {}).setdefault(message.string, path.parts[-4])
    wrong = [f"{text}: {ways}" for text, ways in said.items() if len(ways) > 1]
    assert not wrong, "\n".join(wrong)


def test_english_texts_hold_no_chinese() -> None:
    assert not [f"{place}: {text}" for text, place in texts().items() if CJK.search(text)]


@pytest.mark.parametrize("role", PEOPLE)
def test_english_pages_hold_no_chinese(doorman: Doorman, role: str) -> None:
    browser = doorman.browser(role, locale="en")
    for rule in doorman.app.url_map.iter_rules():
        declared = policy_of(doorman.app, rule.endpoint)
        is_page = "GET" in (rule.methods or ()) and not rule.arguments and not rule.rule.startswith(("/api", "/live"))
        if not is_page or declared is None or (not declared.is_public and role not in declared.roles):
            continue
        said = browser.get(rule.rule)
        if said.mimetype == "text/html":
            shown = CHINESE_ON_PURPOSE.sub("", said.text.partition("<body")[2])
            assert not CJK.findall(shown), f"{rule.rule}: {CJK.findall(shown)[:20]}"


def described(node: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of an OpenAPI document that is said to its reader; examples are goods' and people's own names."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key not in ("example", "examples", "default"):
                yield from described(value, f"{path}/{key}")
    elif isinstance(node, list):
        for value in node:
            yield from described(value, path)
    elif isinstance(node, str):
        yield path, node


def test_the_api_is_described_in_english_but_for_its_examples(doorman: Doorman) -> None:
    spec = doorman.browser("auditor", locale="en").get("/openapi.json").json
    assert spec is not None
    said = dict(described(spec))
    assert len(said) > 500
    assert not {path: text for path, text in said.items() if CJK.search(text)}
