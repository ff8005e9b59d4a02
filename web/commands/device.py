"""``dongting device``: what a device's payload says, without a database."""

import json
from pathlib import Path

import click

from iot import devices
from iot.devices.base import Message, digest
from iot.events import Fault, Reading, as_json


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
def formats() -> None:
    """List the formats with their transports and what was made sure of."""
    for one in devices.FORMATS.values():
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
