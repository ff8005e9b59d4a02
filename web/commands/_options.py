"""Options that several commands share, and the settings that they lead to."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from wms.settings import Settings, load_settings

Command = TypeVar("Command", bound=Callable[..., Any])

VARIABLES = {"data": "DONGTING_DATA", "host": "DONGTING_HOST", "port": "DONGTING_PORT"}


def data_option(command: Command) -> Command:
    return click.option("--data", metavar="DIR", help="Data folder (else DONGTING_DATA, else the platform's).")(command)


def listen_options(command: Command) -> Command:
    command = click.option("--host", metavar="ADDRESS", help="Where to listen (127.0.0.1 unless told).")(command)
    return click.option("--port", metavar="N", help="Port of the web; a taken one is stepped over.")(command)


def settings_from(**given: str | None) -> Settings:
    """Settings of the environment, where options given on the command line come first.

    They are also written to the environment, so that every process started from here sees the same.
    """
    for name, value in given.items():
        if value:
            os.environ[VARIABLES[name]] = value
    return load_settings()
