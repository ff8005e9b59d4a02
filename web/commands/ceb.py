"""``dongting ceb``: what is wrong with a message of customs, without a database."""

import json
from pathlib import Path
from typing import Any

import click

from web.i18n import translations
from wms.customs.messages import Finding, Unreadable, check
from wms.customs.messages.business.together import ORDER_TYPES, Orders, against
from wms.errors import N_, WmsError

SPACE = N_("The file name “%(name)s” holds a space.")


@click.group()
def command() -> None:
    """Look at messages of customs' cross-border e-commerce system."""


@command.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", help="The language of `text`.")
@click.pass_context
def check_files(ctx: click.Context, files: tuple[Path, ...], language: str) -> None:
    """Print one JSON line for each of FILES.

    Payments and waybills are held against the orders among the files. `text` is in --language; `text_zh` and `text_en`
    stand beside it.

    Status 0: no finding, 1: findings, 2: a file could not be read.
    """
    status = 0
    orders = _orders(files) if len(files) > 1 else Orders()
    for file in files:
        body, worse = checked(file, language, orders)
        status = max(status, worse)
        click.echo(json.dumps({"file": str(file), **body}, ensure_ascii=False))
    ctx.exit(status)


def checked(file: Path, language: str, orders: Orders) -> tuple[dict[str, Any], int]:
    """Return the line of one file and the status that it asks for."""
    try:
        report = check(file.read_bytes())
    except Unreadable as refusal:
        return {"schema_valid": False, "findings": [_said(refusal, language)]}, 2
    except OSError as error:
        unread = Unreadable(reason=error.strerror or str(error), line=0)
        return {"schema_valid": False, "findings": [_said(unread, language)]}, 2
    found = [*report.findings, *(against(orders, report.message) if report.message else ())]
    if any(sign.isspace() for sign in file.name):
        found.append(Finding("FILE-NAME", "", SPACE, {"name": file.name}))
    findings = [_line(one.rule, one.field, one.text, dict(one.values), language) for one in found]
    return {"schema_valid": report.schema_valid, "findings": findings}, 1 if findings else 0


def _orders(files: tuple[Path, ...]) -> Orders:
    """Gather the orders among the files; only files that say so in their first bytes are read for them."""
    orders = Orders()
    for file in files:
        try:
            data = file.read_bytes()
            message = check(data).message if any(kind.encode() in data[:1000] for kind in ORDER_TYPES) else None
            if message and message.type in ORDER_TYPES:
                orders.add(message)
        except (Unreadable, OSError):
            continue  # said when its turn comes
    return orders


def _said(refusal: WmsError, language: str) -> dict[str, str]:
    return _line(refusal.code, "", refusal.text, refusal.values, language)


def _line(rule: str, field: str, text: str, values: dict[str, Any], language: str) -> dict[str, str]:
    texts = {one: str(translations(one).gettext(text)) for one in ("en", "zh")}
    said = {one: words % values if values else words for one, words in texts.items()}
    return {"rule": rule, "field": field, "text": said[language], "text_zh": said["zh"], "text_en": said["en"]}
