"""The ``dongting`` command. Each subcommand is a module of ``web/commands`` and is imported when it is called."""

import os
import pkgutil
import sys
from importlib import import_module
from pathlib import Path

import click
import psycopg
from sqlalchemy.exc import DBAPIError

import web.commands
from wms.errors import WmsError


class LazyGroup(click.Group):
    """A group whose subcommands are the modules of a package, each with a click command ``command``."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        names = (module.name for module in pkgutil.iter_modules(web.commands.__path__))
        return sorted(name.replace("_", "-") for name in names if not name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = import_module(f"web.commands.{cmd_name.replace('-', '_')}")
        found: click.Command = module.command
        return found


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dongting")
def dongting() -> None:
    """Dongting (洞庭): bonded warehouse, gate and consolidation planning."""


def main() -> None:
    """Run the command; whatever the user can mend is said in one line, without a traceback."""
    try:
        dongting(prog_name="dongting")
    except WmsError as refusal:
        fail(str(refusal))
    except (DBAPIError, psycopg.Error) as error:
        said = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
        fail("The database says: " + said.splitlines()[0])
    except BrokenPipeError:  # the reader of our output has gone, as in `dongting verify | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if isinstance(error.filename, str | Path) else ""
        fail(f"{where}{error.strerror or error}")


def fail(line: str) -> None:
    click.echo(f"dongting: {line}", err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
