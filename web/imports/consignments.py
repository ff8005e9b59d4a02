"""Consignments from a list: announced for planning by the rules of the books, with their pieces."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing.network import yueyang
from web.imports import goods
from web.imports.columns import Fault, Row
from web.imports.intake import Choice, Plain
from wms.errors import WmsError
from wms.floor.rules.opening import UnknownOwner
from wms.freight.rules import ConsignmentExists
from wms.freight.service import announce
from wms.parties.tables import Company


class Consignments(Plain):
    """Consignments announced for planning, with their pieces."""

    def __init__(self, session: Session, choice: Choice) -> None:
        self._session, self._keep, self._lot = session, choice.keep_existing, goods.Lot(())
        companies = session.execute(select(Company.code, Company.id))
        self._companies: dict[str, int] = {row.code: row.id for row in companies}
        self._network = yueyang()
        self._places = {place.code for place in self._network.places}

    def beside(self, rows: Sequence[Row]) -> None:
        self._lot = goods.Lot(rows)

    def take(self, rows: Sequence[Row]) -> tuple[int, list[Fault]]:
        n_taken, faults = 0, []
        for row in rows:
            try:
                form = self._lot.put(goods.form_of(row.values, self._company(row, "owner"), self._knows))
                if row.values["forwarder"] is not None:
                    form = replace(form, forwarder_id=self._company(row, "forwarder"))
                announce(self._session, form)
                n_taken += 1
            except ConsignmentExists as refusal:
                faults += [] if self._keep else [Fault(row.number, refusal)]
            except WmsError as refusal:
                faults.append(Fault(row.number, refusal))
        return n_taken, faults

    def finish(self) -> tuple[int, list[Fault]]:
        return 0, self._lot.left()

    def _company(self, row: Row, name: str) -> int:
        found = self._companies.get(row.values[name])
        if found is None:
            raise UnknownOwner(field=name, owner=row.values[name])
        return found

    def _knows(self, written: str) -> bool:
        return self._network.official(written) in self._places
