"""The tables of all rooms in one metadata, for migrations and for the test that compares the two."""

import pkgutil
from importlib import import_module
from importlib.util import find_spec

from sqlalchemy import MetaData

import wms
from wms.db import Base

OTHER_ROOMS = ("iot.tables", "routing.tables", "web.auth.tables", "web.out.tables")


def all_tables() -> MetaData:
    """Import every area's mappings and return the metadata that they filled."""
    areas = (f"wms.{module.name}.tables" for module in pkgutil.iter_modules(wms.__path__) if module.ispkg)
    for name in (*areas, *OTHER_ROOMS):
        if find_spec(name) is not None:
            import_module(name)
    return Base.metadata


def is_ours(name: str | None, kind: str) -> bool:
    """Whether a table is described by our mappings; the job queue's are Procrastinate's own."""
    return kind != "table" or not (name or "").startswith("procrastinate_")
