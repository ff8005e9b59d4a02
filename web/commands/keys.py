"""``dongting keys``."""

from datetime import UTC, datetime

import click

from web.commands._options import data_option, settings_from
from web.databases import app_url, database_running
from wms.customs.messages import keeping
from wms.customs.parcels import privacy
from wms.db import Database, Scope
from wms.parties.private import Vault, add_key, give_keys, open_vault
from wms.settings import Settings


@click.command()
@data_option
@click.option("--new", is_flag=True, help="Add a key that seals from now on; older keys still open.")
@click.option("--seal-anew", is_flag=True, help="Seal what older keys sealed with the newest one.")
@click.option("--erase", is_flag=True, help="Erase personal data whose retention is over.")
def command(data: str | None, new: bool, seal_anew: bool, erase: bool) -> None:
    """Keys of personal data: show them, add one, seal anew, erase what is due. Restart all processes after --new."""
    settings = settings_from(data=data)
    vault = add_key(settings.data_dir) if new else open_vault(settings.data_dir)
    click.echo(f"{len(vault.keys)} keys of personal data; key {vault.current} seals.")
    if seal_anew or erase:
        _work(settings, vault, seal_anew=seal_anew, erase=erase)


def _work(settings: Settings, vault: Vault, *, seal_anew: bool, erase: bool) -> None:
    scope = Scope.system(settings.tenant_id)
    with database_running(settings):
        database = Database(app_url(settings), pool_size=1, max_overflow=0)
        give_keys(database, lambda: vault)
        try:
            sealed = seal_all(database, scope, vault) if seal_anew else 0
            erased = database.run(scope, lambda session: privacy.erase(session, datetime.now(UTC))) if erase else {}
        finally:
            database.close()
    click.echo(f"{sealed} rows sealed anew, {sum(erased.values())} rows erased.")


def seal_all(database: Database, scope: Scope, vault: Vault) -> int:
    """Seal what stands in clear, and everything else anew, a thousand rows at a time; return how many rows."""
    total = 0
    while done := database.run(scope, keeping.seal_older):
        total += done
    while done := database.run(scope, lambda session: privacy.reseal(session, vault)):
        total += done
    return total
