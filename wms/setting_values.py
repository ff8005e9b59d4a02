"""How the text of an environment variable becomes the value of a setting; a broken rule is told in words."""

import re
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo


class BrokenRule(ValueError):
    """A reader's rule was broken; the message is the rule in words."""


def plain(given: str) -> str:
    """Any text."""
    return given


def optional(given: str) -> str | None:
    """A text, or nothing."""
    return given or None


def whole(given: str, *, low: int, high: int) -> int:
    """A whole number from ``low`` to ``high``."""
    if not re.fullmatch(r"[0-9]{1,12}", given) or not low <= int(given) <= high:
        raise BrokenRule(f"a whole number from {low} to {high}")
    return int(given)


def choice(given: str, *, among: tuple[str, ...]) -> str:
    """One of ``among``."""
    if given not in among:
        raise BrokenRule("one of " + ", ".join(among))
    return given


def switch(given: str) -> bool:
    """on or off."""
    return choice(given.lower(), among=("on", "off")) == "on"


def postgres_url(given: str) -> str | None:
    """Any spelling of a PostgreSQL URL becomes the one that SQLAlchemy and psycopg 3 agree on."""
    if not given:
        return None
    scheme, found, rest = given.partition("://")
    if not found or scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise BrokenRule("a URL like postgresql://login:password@host/database")
    return "postgresql+psycopg://" + rest


def mqtt_url(given: str) -> str | None:
    """The address of a broker, or nothing."""
    if not given:
        return None
    parts = urlsplit(given)
    try:
        right = parts.scheme in ("mqtt", "mqtts") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        right = False
    if not right:
        raise BrokenRule("a URL like mqtt://login:password@host:1883 (mqtts:// for TLS)")
    return given


def folder_or_http(given: str) -> str | None:
    """A folder (made absolute) or an http(s) address."""
    if not re.match(r"https?://", given):
        return str(folder(given)) if given else None
    parts = urlsplit(given)
    try:
        right = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        right = False
    if not right or parts.query or parts.fragment or parts.username:
        raise BrokenRule("a folder or a URL like https://host:8443/exchange without a login")
    return given.rstrip("/")


def key_source(given: str) -> str:
    """test, none, or a file (made absolute)."""
    return given if given in ("test", "none") else str(folder(given))


def folder(given: str) -> Path:
    """A folder, made absolute."""
    if "\0" in given:
        raise BrokenRule("the path of a folder")
    return Path(given).expanduser().absolute()


def live_url(given: str) -> str | None:
    """An address of scheme and host, or a port of the same host."""
    if given and not re.fullmatch(r":\d{1,5}|https?://[^/\s]+", given):
        raise BrokenRule("an address like https://gate.example:8100, or a port like :8100")
    return given or None


def optional_file(given: str) -> Path | None:
    """A file, made absolute, or nothing."""
    return Path(given).expanduser().absolute() if given else None


def secret_of_32(given: str) -> str | None:
    """At least 32 characters, or nothing."""
    if given and len(given) < 32:
        raise BrokenRule("at least 32 characters long")
    return given or None


def time_zone(given: str) -> str:
    """The name of a time zone."""
    try:
        ZoneInfo(given)
    except (KeyError, ValueError, OSError):
        raise BrokenRule("the name of a time zone like Asia/Shanghai") from None
    return given
