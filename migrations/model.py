"""The whole metadata: every ``tables`` module of every room, found by name so that none is forgotten."""

import pkgutil
from importlib import import_module

from sqlalchemy import MetaData

from wms.db import Base

ROOMS = ("wms", "iot", "routing", "web")


def table_modules() -> list[str]:
    """The dotted names of all ``tables`` modules."""
    return [
        found.name
        for room in ROOMS
        for found in pkgutil.walk_packages(import_module(room).__path__, f"{room}.")
        if found.name.split(".")[2:3] == ["tables"] or found.name == f"{room}.tables"
    ]


def metadata() -> MetaData:
    """The mapped tables of all rooms."""
    for module in table_modules():
        import_module(module)
    return Base.metadata
