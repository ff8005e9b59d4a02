"""``dongting ceb``: what is wrong with a message of customs, without a database."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import click
from cryptography import x509

from web.i18n import translations
from wms.customs.messages import Finding, Unreadable, check
from wms.customs.messages.business.together import ORDER_TYPES, Orders, against
from wms.customs.messages.signing import WORDS, Verdict, verify
from wms.errors import N_, WmsError

SPACE = N_("The file name “%(name)s” holds a space.")


@click.group()
def command() -> None:
    """Look at messages of customs' cross-border e-commerce system."""


@command.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", help="The language of `text`.")
@click.option(
    "--trust", multiple=True, type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A PEM file of certificates that are trusted; a broken signature or an unknown one is a finding then.",
)  # fmt: skip
@click.pass_context
def check_files(ctx: click.Context, files: tuple[Path, ...], language: str, trust: tuple[Path, ...]) -> None:
    """Print one JSON line for each of FILES.

    Payments and waybills are held against the orders among the files. `text` is in --language; `text_zh` and `text_en`
    stand beside it. `signature` says of an enveloped signature whether it is valid, broken (invalid), under an unknown
    certificate (untrusted), missing (unsigned), or of a method that is not judged here, such as SM2.

    Status 0: no finding, 1: findings, 2: a file could not be read.
    """
    status = 0
    orders = _orders(files) if len(files) > 1 else Orders()
    trusted = _trusted(trust)
    for file in files:
        body, worse = checked(file, language, orders, trusted)
        status = max(status, worse)
        click.echo(json.dumps({"file": str(file), **body}, ensure_ascii=False))
    ctx.exit(status)


def checked(
    file: Path, language: str, orders: Orders, trusted: Collection[x509.Certificate] = ()
) -> tuple[dict[str, Any], int]:
    """Return the line of one file and the status that it asks for."""
    try:
        data = file.read_bytes()
        report = check(data)
    except Unreadable as refusal:
        return {"schema_valid": False, "findings": [_said(refusal, language)]}, 2
    except OSError as error:
        unread = Unreadable(reason=error.strerror or str(error), line=0)
        return {"schema_valid": False, "findings": [_said(unread, language)]}, 2
    found = [*report.findings, *(against(orders, report.message) if report.message else ())]
    if any(sign.isspace() for sign in file.name):
        found.append(Finding("FILE-NAME", "", SPACE, {"name": file.name}))
    signature = verify(data, trusted) if report.message is not None else None
    if trusted and signature is not None and signature.state in ("invalid", "untrusted"):
        found.append(Finding(f"SIG-{signature.state.upper()}", "ds:Signature", WORDS[signature.state]))
    findings = [_line(one.rule, one.field, one.text, dict(one.values), language) for one in found]
    body: dict[str, Any] = {"schema_valid": report.schema_valid, "findings": findings}
    if signature is not None:
        body["signature"] = _judged(signature, language)
    return body, 1 if findings else 0


def _judged(one: Verdict, language: str) -> dict[str, Any]:
    texts = {each: str(translations(each).gettext(WORDS[one.state])) for each in ("en", "zh")}
    return {
        "state": one.state, "key_name": one.key_name, "certificate": one.subject, "text": texts[language],
        "text_zh": texts["zh"], "text_en": texts["en"],
    }  # fmt: skip


def _trusted(files: tuple[Path, ...]) -> list[x509.Certificate]:
    found: list[x509.Certificate] = []
    for file in files:
        try:
            found += x509.load_pem_x509_certificates(file.read_bytes())
        except ValueError as fault:
            raise click.BadParameter(f"{file}: {fault}", param_hint="--trust") from None
    return found


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
