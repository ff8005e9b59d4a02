"""``dongting device``: what a device's payload says, without a database; the keys by which devices sign."""

import base64
import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy import select
from sqlalchemy.orm import Session

from iot import devices, signing
from iot.devices.base import Message, digest
from iot.events import Fault, Reading, as_json
from web.commands._options import data_option, settings_from
from web.databases import app_url, database_running
from wms.db import Database, Scope
from wms.settings import Settings


@click.group()
def command() -> None:
    """Read payloads of devices."""


@command.command()
@click.argument("format_name", metavar="FORMAT", type=click.Choice(sorted(devices.FORMATS)))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--topic", metavar="T", help="The MQTT topic it came by; leave it out for an HTTP push.")
@click.option("--profile", metavar="JSON", default="{}", help="What the format must know of the device, as JSON.")
@click.pass_context
def parse(ctx: click.Context, format_name: str, file: Path, topic: str | None, profile: str) -> None:
    """Print one JSON line for each reading or fault in FILE; status 1 when there are only faults."""
    try:
        known = json.loads(profile)
    except ValueError as why:
        raise click.BadParameter(str(why), param_hint="--profile") from None
    if not isinstance(known, dict):
        raise click.BadParameter("not a JSON object", param_hint="--profile")
    message = Message(payload=file.read_bytes(), topic=topic, profile=known)
    found = devices.parse(format_name, message)
    for one in found:
        body = as_json(one)
        if isinstance(one, Reading) and not devices.FORMATS[format_name].repeats:
            body.setdefault("dedup_key", digest(message))
        click.echo(json.dumps(body, ensure_ascii=False))
    if all(isinstance(one, Fault) for one in found):
        ctx.exit(1)


@command.command()
@click.option("--table", is_flag=True, help="The lines of the table in docs/devices.md.")
def formats(*, table: bool) -> None:
    """List the formats with their transports and what was made sure of."""
    for one in devices.FORMATS.values():
        if table:
            click.echo(one.table_row())
            continue
        row = {
            "format": one.name,
            "title": one.title,
            "version": one.version,
            "makers": one.makers,
            "transports": one.transports,
            "topics": one.topics,
            "key": one.key,
            "time": one.time,
            "qos": one.qos,
            "best_effort": one.is_best_effort,
            "heartbeat_s": one.heartbeat_s,
            "quality": dict(one.quality),
        }
        click.echo(json.dumps(row, ensure_ascii=False))


def _write(settings: Settings, deed: Callable[[Session], None]) -> None:
    with (
        closing(Database(app_url(settings), pool_size=1)) as database,
        database.unit_of_work(Scope.system(settings.tenant_id)) as session,
    ):
        deed(session)


@command.command("add-key")
@click.argument("device")
@click.argument("key_id", metavar="KEY")
@click.option(
    "--ed25519",
    "public_key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The device's public key (PEM). Without it the key is of HMAC-SHA-256 and is printed, this once.",
)
@data_option
def add_key(device: str, key_id: str, public_key: Path | None, data: str | None) -> None:
    """Give DEVICE a further KEY to sign with, beside those that it has; take the old one away with retire-key."""
    settings = settings_from(data=data)
    raw = None if public_key is None else _public(public_key)
    _write(settings, lambda session: signing.add_key(session, device, key_id, datetime.now(UTC), raw))
    if raw is None:
        click.echo(base64.b64encode(signing.hmac_key(settings.secret_key, device, key_id)).decode())


def _public(file: Path) -> bytes:
    try:
        key = load_pem_public_key(file.read_bytes())
    except ValueError as why:
        raise click.BadParameter(str(why), param_hint="--ed25519") from None
    if not isinstance(key, Ed25519PublicKey):
        raise click.BadParameter("not a public key of Ed25519", param_hint="--ed25519")
    return key.public_bytes_raw()


@command.command("retire-key")
@click.argument("device")
@click.argument("key_id", metavar="KEY")
@data_option
def retire_key(device: str, key_id: str, data: str | None) -> None:
    """What DEVICE signs with KEY from now on is not trusted any more."""
    _write(settings_from(data=data), lambda session: signing.retire_key(session, device, key_id, datetime.now(UTC)))


@command.command("must-sign")
@click.argument("device")
@click.argument("answer", type=click.Choice(["yes", "no"]))
@data_option
def must_sign(device: str, answer: str, data: str | None) -> None:
    """Whether what DEVICE says must be signed; what is not is kept, alarmed, and opens nothing."""
    _write(settings_from(data=data), lambda session: signing.demand(session, device, must_sign=answer == "yes"))


@command.command("revoke-certificates")
@click.argument("device")
@data_option
def revoke_certificates(device: str, data: str | None) -> None:
    """Let nobody in any more by a certificate of DEVICE that was made before now."""
    _write(settings_from(data=data), lambda session: signing.revoke_certificates(session, device, datetime.now(UTC)))


@command.command()
@data_option
@click.option("--device", "code", metavar="CODE", help="Only messages of this device.")
@click.argument("message_ids", metavar="[MESSAGE]...", nargs=-1, type=int)
def replay(data: str | None, code: str | None, message_ids: tuple[int, ...]) -> None:
    """Read stored messages again with today's formats: those named, else all that could not be understood.

    What comes of it is history and never moves a barrier.
    """
    from iot.messages import MOST_AT_ONCE, open_letters, read_again  # noqa: PLC0415 - `parse` needs no database
    from iot.tables import Device  # noqa: PLC0415

    settings = settings_from(data=data)
    scope = Scope.system(settings.tenant_id)
    done = 0
    with database_running(settings), closing(Database(app_url(settings), pool_size=1, max_overflow=0)) as database:
        with database.unit_of_work(scope) as session:
            device_id = session.scalar(select(Device.id).where(Device.code == code)) if code else None
            if code and device_id is None:
                raise click.BadParameter(f"no device is called {code}", param_hint="--device")
            ids = sorted(set(message_ids)) or open_letters(session, device_id, None)
        for start in range(0, len(ids), MOST_AT_ONCE):
            with database.unit_of_work(scope) as session:
                done += read_again(session, ids[start : start + MOST_AT_ONCE], settings.secret_key).messages
    click.echo(f"{done} messages read again.")
