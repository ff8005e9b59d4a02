"""``dongting verify``."""

import json
import sys
from functools import partial

import click

import wms.customs.messages.verify
import wms.customs.parcels.verify
import wms.customs.verify
import wms.floor.load_verify
import wms.floor.verify
import wms.freight.verify
import wms.gate.verify
import wms.stock.verify
import wms.watch.verify
from web.commands._options import data_option, settings_from
from web.databases import app_url, database_running
from wms.db import Database, Scope
from wms.parties.private import give_keys, open_vault
from wms.settings import Settings
from wms.stock.verify import Finding, snapshot

# Each area checks what it wrote.
AREAS = (
    wms.stock.verify.findings,
    wms.customs.verify.findings,
    wms.customs.parcels.verify.findings,
    wms.customs.messages.verify.findings,
    wms.floor.verify.findings,
    wms.floor.load_verify.findings,
    wms.watch.verify.findings,
    wms.gate.verify.findings,
    wms.freight.verify.findings,
)


@click.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="One JSON line for each finding.")
def command(data: str | None, as_json: bool) -> None:
    """Check every invariant of the ledger on the living database. Exit status 1 when anything is found."""
    sys.exit(verify(settings_from(data=data), as_json=as_json))


def verify(settings: Settings, *, as_json: bool) -> int:
    """Print what is found; return the exit status. Reads in one snapshot while work goes on."""
    with database_running(settings):
        database = Database(app_url(settings), pool_size=1, max_overflow=0)
        give_keys(database, partial(open_vault, settings.data_dir))
        try:
            found = find(database, Scope.system(settings.tenant_id))
        finally:
            database.close()
    for finding in found:
        tell(finding, as_json=as_json)
    if not as_json:
        click.echo(f"{len(found)} findings." if found else "Clean: no finding.")
    return 1 if found else 0


def find(database: Database, scope: Scope) -> list[Finding]:
    """Everything that is wrong, area by area, in one snapshot."""
    with snapshot(database, scope) as session:
        return [finding for area in AREAS for finding in area(session)]


def tell(finding: Finding, *, as_json: bool) -> None:
    click.echo(json.dumps(finding.as_json(), ensure_ascii=False) if as_json else str(finding))
