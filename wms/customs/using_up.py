"""What a verification line declares is used up by passes, by goods that become free, by goods that are handed over."""

from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import InstrumentedAttribute, Session

from wms.customs.gate_pass_rules import MoreThanDeclared
from wms.customs.tables import VerificationLine


def use_up(session: Session, line_id: int, line_no: int, qty: int, *also: InstrumentedAttribute[Any]) -> None:
    """Raise what of a line is on passes by ``qty`` base units, and with it the columns ``also``.

    Never above what is declared, whoever comes at the same time (customs, 1.3). Raises MoreThanDeclared, which names
    the line by ``line_no``.
    """
    grown = session.execute(
        update(VerificationLine)
        .where(
            VerificationLine.id == line_id,
            VerificationLine.on_passes_qty + qty <= VerificationLine.declared_base_qty,
        )
        .values({column: column + qty for column in (VerificationLine.on_passes_qty, *also)})
        .returning(VerificationLine.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if grown is None:
        raise MoreThanDeclared(line_no=line_no, wanted=qty)
