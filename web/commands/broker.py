"""``dongting broker``: what a site's own broker is to be told."""

from contextlib import closing
from pathlib import Path

import click

from iot.register import load
from iot.site_config import SERVICE, access_list, configuration
from web.commands._options import data_option, settings_from
from web.databases import app_url
from web.machine.certificate import files, make, make_device
from wms.db import Database, Scope

TELL = """\
{folder}/mosquitto.conf   configuration
{folder}/acl              who may say and hear what: {devices} devices and ingest
Copy both to the broker, with the certificate of this machine or one of the broker's own. Each device needs its own:
  dongting cert --device CODE
Ingest connects with
  DONGTING_MQTT_URL="mqtts://{host}:{port}/?client_id={service}&ca={authority}&cert={certificate}&key={key}"
"""


@click.group()
def command() -> None:
    """Set up a site's own broker."""


@command.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@data_option
@click.option("--host", default="0.0.0.0", show_default=True, help="Where the broker listens.")  # noqa: S104 - its job
@click.option("--port", default=8883, show_default=True, type=click.IntRange(1, 65535))
@click.option("--state", default="/var/lib/mosquitto", show_default=True, type=click.Path(path_type=Path))
def config(folder: Path, data: str | None, host: str, port: int, state: Path) -> None:
    """Write Mosquitto's configuration and access list into FOLDER, from the device register."""
    settings = settings_from(data=data)
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    ours = files(settings.data_dir)
    if not ours.server.exists():
        make(settings.data_dir, ())
    certificate, key = ours.device(SERVICE)
    if not certificate.exists():
        make_device(settings.data_dir, SERVICE)
    with (
        closing(Database(app_url(settings), pool_size=1)) as database,
        database.unit_of_work(Scope.system(settings.tenant_id)) as session,
    ):
        devices = list(load(session).by_code.values())
    text = configuration(
        folder,
        authority=ours.authority,
        certificate=ours.server,
        key=ours.server_key,
        state=state,
        host=host,
        port=port,
    )
    (folder / "mosquitto.conf").write_text(text)
    (folder / "acl").write_text(access_list(devices))
    named = {"host": "127.0.0.1" if host in ("0.0.0.0", "::") else host, "port": port, "service": SERVICE}  # noqa: S104
    click.echo(
        TELL.format(
            folder=folder,
            devices=len(devices),
            authority=ours.authority,
            certificate=certificate,
            key=key,
            **named,
        ),
        nl=False,
    )
