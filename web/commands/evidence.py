"""``dongting evidence``: verify a bundle without a database, and tell the key that signs ours."""

import json
from pathlib import Path

import click

from web.commands._options import data_option, settings_from
from web.i18n import translations
from wms.gate.evidence import disagreements
from wms.record.bundles import Fault, Opened, key_id_of, open_bundle, read_public_key, signing_key


@click.group()
def command() -> None:
    """Evidence bundles of passages through the gate."""


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--key-id", metavar="ID", help="The key it must be signed by, as its owner told you.")
@click.option(
    "--key", "key_file", metavar="PEM", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The same, as a file with the public key.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON line for each fault, and one for the whole.")
@click.pass_context
def verify(ctx: click.Context, file: Path, key_id: str | None, key_file: Path | None, as_json: bool) -> None:
    """Verify the bundle FILE and name each fault. Needs no database and no installation.

    Without --key-id or --key it says by which key the bundle is signed; whose key that is, only its owner can tell.
    Status 0: whole and consistent, 1: faults, 2: the file cannot be read.
    """
    try:
        content = file.read_bytes()
    except OSError as why:
        click.echo(f"{file}: {why.strerror or why}", err=True)
        ctx.exit(2)
    trusted = key_id or _id_of(key_file)
    opened = open_bundle(content, trusted)
    faults = [*opened.faults, *(disagreements(opened.files) if opened.manifest else ())]
    for one in faults:
        _tell(one, as_json=as_json)
    _sum_up(opened, len(faults), is_named=trusted is not None, as_json=as_json)
    ctx.exit(1 if faults else 0)


def _id_of(key_file: Path | None) -> str | None:
    if key_file is None:
        return None
    try:
        return key_id_of(read_public_key(key_file.read_bytes()))
    except ValueError as why:
        raise click.BadParameter(str(why), param_hint="--key") from None


def _tell(one: Fault, *, as_json: bool) -> None:
    if as_json:
        said = {"code": one.code, "file": one.file, "text_en": one.said()}
        click.echo(json.dumps(said | {"text_zh": one.said(translations("zh").gettext)}, ensure_ascii=False))
    else:
        click.echo(f"FAULT {one.code}{' ' + one.file if one.file else ''}: {one.said()}")


def _sum_up(opened: Opened, n_faults: int, *, is_named: bool, as_json: bool) -> None:
    about = opened.manifest.get("about", {})
    if as_json:
        said = {"about": about, "files": len(opened.files), "faults": n_faults, "key_id": opened.key_id}
        click.echo(json.dumps(said | {"key_named": is_named}, ensure_ascii=False))
        return
    if about:
        click.echo("Evidence of " + " ".join(f"{name}={value}" for name, value in about.items() if value is not None))
    if n_faults:
        click.echo(f"{n_faults} faults. Do not rely on this bundle.")
    else:
        click.echo(f"Whole and consistent: {len(opened.files)} files, signed by key {opened.key_id}.")
    if opened.key_id and not is_named:
        click.echo("You named no key. Ask the owner of the installation for its key id and compare it.")


@command.command()
@data_option
def key(data: str | None) -> None:
    """Print the public key that signs this installation's bundles, and its id; give both to who must verify them."""
    found = signing_key(settings_from(data=data).data_dir)
    click.echo(f"Key id: {found.key_id}")
    click.echo(found.public_pem.decode().rstrip())
