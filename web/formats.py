"""Numbers, weights, money and instants as people read them; integers of the smallest unit go in, text comes out."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from flask import Flask
from flask_babel import format_date, format_datetime, format_decimal, get_locale, gettext
from markupsafe import Markup

from wms.parties.sources import SHIPPED

DASH = "–"
EXPONENTS = {"JPY": 0, "KRW": 0}  # ISO 4217 minor units; all others here have two


def quantity(value: int | None, unit: str = "") -> str:
    """Return a whole number with thousands separators and its unit."""
    if value is None:
        return DASH
    return f"{format_decimal(value)} {unit}".strip()


def weight(value_g: int | None, unit: str | None = None) -> str:
    """Return a weight given in grams: in g below one kilogram, in kg, from ten tonnes on in t. Exact, not rounded.

    ``unit`` "kg" keeps a column in one unit, so that its figures can be compared by eye.
    """
    if value_g is None:
        return DASH
    if abs(value_g) < 1000 and unit is None:
        return f"{value_g} g"
    if abs(value_g) < 10_000_000 or unit == "kg":
        return f"{format_decimal(Decimal(value_g) / 1000, format='#,##0.###')} kg"
    return f"{format_decimal(Decimal(value_g) / 1_000_000, format='#,##0.###')} t"


def volume(value_mm3: int | None) -> str:
    """Return a volume given in mm³, shown in m³ to the litre."""
    if value_mm3 is None:
        return DASH
    return f"{format_decimal(Decimal(value_mm3) / 10**9, format='#,##0.000')} m³"


def money(value_minor: int | None, currency: str) -> str:
    """Return an amount given in the currency's smallest unit, with the ISO 4217 code after it."""
    if value_minor is None:
        return DASH
    places = EXPONENTS.get(currency, 2)
    pattern = "#,##0" + ("." + "0" * places if places else "")
    return f"{format_decimal(Decimal(value_minor) / 10**places, format=pattern)} {currency}"


def instant(value: datetime | None) -> Markup | str:
    """Return an instant in the installation's time zone; the exact UTC stands in the element's ``datetime``."""
    if value is None:
        return DASH
    shown = format_datetime(value, "yyyy-MM-dd HH:mm:ss")
    exact = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}">{}</time>').format(exact, shown)


def day(value: date | None) -> str:
    """Return a day; it belongs to no time zone."""
    if value is None:
        return DASH
    return str(format_date(value, "yyyy-MM-dd" if str(get_locale()) == "zh" else "d MMM yyyy"))


def percent(part: int, whole: int) -> str:
    """Return ``part`` of ``whole`` in percent with one decimal place."""
    return DASH if whole == 0 else f"{format_decimal(Decimal(part) * 100 / whole, format='0.0')} %"


def written(value: Any, indent: int | None = None) -> str:
    """Return a value as it is entered: JSON, its Chinese readable."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def source(text: str) -> str:
    """Return where a value is taken from: what comes with the product in the reader's language, all else as written."""
    return gettext(text) if text in SHIPPED else text


def install_formats(app: Flask) -> None:
    app.jinja_env.filters.update(
        quantity=quantity, weight=weight, volume=volume, money=money, instant=instant, day=day, written=written,
        source=source,
    )  # fmt: skip
    app.jinja_env.globals["percent"] = percent
