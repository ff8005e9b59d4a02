"""A site with devices for the tests of this room, and messages as devices send them."""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from iot.register import NewDevice, Register, load, register_device
from tests.build import make_site, number
from wms.db import Database, Scope
from wms.parties.tables import Site

SECRET = "a secret of at least thirty-two characters"


@dataclass(frozen=True)
class Sender:
    """A registered device and what it needs to speak."""

    id: int
    code: str
    token: str
    site_code: str
    family: str

    def topic(self, leaf: str = "event") -> str:
        return f"wms/v1/{self.site_code}/{self.family}/{self.code}/{leaf}"

    def envelope(self, type_: str = "loop", seq: int = 1, boot: str = "b1", **over: Any) -> dict[str, Any]:
        """An envelope of this device with a new id, as it would be sent now."""
        data: dict[str, Any] = {"loop": "arrive", "occupied": True} if type_ == "loop" else {}
        body: dict[str, Any] = {
            "v": 1,
            "id": str(uuid.uuid4()),
            "device": self.code,
            "kind": self.family,
            "type": type_,
            "seq": seq,
            "boot": boot,
            "ts": datetime.now(UTC).isoformat(),
            "ts_q": "ntp",
            "data": data,
        }
        return {**body, **over}

    def message(self, type_: str = "loop", seq: int = 1, boot: str = "b1", **over: Any) -> bytes:
        """The envelope as bytes."""
        return json.dumps(self.envelope(type_, seq, boot, **over)).encode()


def make_device(session: Session, site: Site, family: str = "gate", **columns: Any) -> Sender:
    """A registered device of ``site`` with a token of its own."""
    code = columns.pop("code", f"dev{number()}-{uuid.uuid4().hex[:6]}")
    device_id, token = register_device(session, NewDevice(code, site.id, family, **columns), SECRET)
    return Sender(device_id, code, token, site.code, family)


def read_register(database: Database, scope: Scope) -> Register:
    """The register as the ingest process reads it."""
    with database.unit_of_work(scope) as session:
        return load(session)


def site_with(database: Database, scope: Scope, *families: str, **columns: Any) -> list[Sender]:
    """A committed site with one device of each family."""
    with database.unit_of_work(scope) as session:
        site = make_site(session, code=f"S{uuid.uuid4().hex[:8]}")
        return [make_device(session, site, family, **columns) for family in families]


def rows(database: Database, scope: Scope, query: str, **given: Any) -> list[Any]:
    """What a query finds in a transaction of its own."""
    with database.unit_of_work(scope) as session:
        return list(session.execute(text(query), given))


def count(database: Database, scope: Scope, table: str, where: str = "true", **given: Any) -> int:
    """How many rows a table holds."""
    return int(rows(database, scope, f"SELECT count(*) FROM {table} WHERE {where}", **given)[0][0])
