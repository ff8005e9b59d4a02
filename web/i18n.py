"""Chinese and English: the catalogues, the caller's language, and words for the browser's scripts.

An English text is its own key. Each stream of work keeps one catalogue (web/translations/STREAM/LOCALE/LC_MESSAGES/
messages.po); they are read at start as they are, so no compiled file can be older than its source.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.extract import extract_javascript
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask import Flask, request
from flask_babel import Babel, Domain, get_locale

from web.context import settings

SCRIPTS = Path(__file__).parent / "static" / "js"
CATALOGUES = Path(__file__).parent / "translations"
LOCALES = ("zh", "en")
COOKIE = "locale"
HTML_LANG = {"zh": "zh-Hans", "en": "en"}


@cache
def translations(locale: str) -> Translations:
    """Return all catalogues of a language as one; later streams do not override earlier ones (alphabetical order)."""
    merged: dict[Any, str] = {}
    for path in sorted(CATALOGUES.glob(f"*/{locale}/LC_MESSAGES/messages.po")):
        with path.open("rb") as file:
            catalogue = read_po(file, locale=locale)
        buffer = BytesIO()
        write_mo(buffer, catalogue)
        buffer.seek(0)
        for key, text in Translations(buffer)._catalog.items():
            merged.setdefault(key, text)
    whole = Translations()
    whole._catalog = merged
    whole.plural = lambda n: 0 if locale == "zh" else int(n != 1)
    return whole


@cache
def script_texts() -> tuple[str, ...]:
    """Return every text that our scripts ask for with ``t("…")``."""
    found: set[str] = set()
    for path in sorted(SCRIPTS.rglob("*.js")):
        with path.open("rb") as file:
            for _line, _call, said, _notes in extract_javascript(file, {"t": None}, [], {}):
                found.update(text for text in ([said] if isinstance(said, str) else said) if text)
    return tuple(sorted(found))


@cache
def script_words(locale: str) -> dict[str, str]:
    """Return the words of the scripts in ``locale``, by their English text."""
    catalogue = translations(locale)
    return {text: str(catalogue.gettext(text)) for text in script_texts()}


@cache
def words_hash() -> str:
    """Return a short hash of all scripts' words, for an address that may be kept for good."""
    whole = json.dumps([script_words(locale) for locale in LOCALES], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:12]


class Catalogues(Domain):  # type: ignore[misc]
    """Flask-Babel's domain over :func:`translations`."""

    def get_translations(self) -> Translations:
        return translations(str(get_locale() or "en"))


class Languages(Babel):  # type: ignore[misc]
    """Flask-Babel with our catalogues as the default domain."""

    catalogues = Catalogues()

    @property
    def domain_instance(self) -> Catalogues:
        return self.catalogues


def chosen_locale() -> str:
    """Return the language of this request: asked for by cookie, else by the browser or client, else the default."""
    if (asked := request.cookies.get(COOKIE)) in LOCALES:
        return str(asked)
    return request.accept_languages.best_match(LOCALES, default=settings().locale) or settings().locale


def localised(text: str, values: Mapping[str, Any]) -> str:
    """Return a refusal's text in the request's language; values that are themselves texts are translated too.

    A value ``{"zh": …, "en": …}`` is a name in both languages: the request's is taken.
    """
    return said(request_locale(), text, values)


def said(locale: str, text: str, values: Mapping[str, Any]) -> str:
    """As :func:`localised`, in ``locale``: for an answer of many texts, whose language need be asked for but once."""
    whole = translations(locale).gettext
    known = str(whole(text))
    if not values:
        return known
    return known % {
        name: value.get(locale, value.get("en"))
        if isinstance(value, dict)
        else whole(value)
        if isinstance(value, str) and value
        else value
        for name, value in values.items()
    }


def request_locale() -> str:
    """Return the language of the request that is being answered, "zh" or "en"."""
    return "zh" if str(get_locale()) == "zh" else "en"


def install_languages(app: Flask, time_zone: str) -> None:
    Languages(app, default_locale="en", default_timezone=time_zone, locale_selector=chosen_locale)
    app.jinja_env.globals.update(
        locale=lambda: str(get_locale()),
        html_lang=lambda: HTML_LANG.get(str(get_locale()), "en"),
        named=named,
        words_hash=words_hash,
    )


def named(row: Any) -> str:
    """Return the name of a company, person, site or item in the request's language (``name_zh`` or ``name_en``)."""
    if row is None:
        return ""
    mine, other = (row.name_zh, row.name_en) if str(get_locale()) == "zh" else (row.name_en, row.name_zh)
    return str(mine or other or "")
