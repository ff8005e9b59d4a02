"""Deeds on one document: found under its number, changed once under the request's key, told whole."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from flask import Response
from sqlalchemy.orm import Session

from web.api.idempotency import request_key, write
from web.api.schemas import Body
from wms.floor.service.acting import By

Document = TypeVar("Document")


def by(what: str) -> By:
    """Return who acts now, under the request's key; ``what`` keeps keys of several resources apart."""
    return By(f"{what}:{request_key()}", datetime.now(UTC))


def change(
    known: Callable[[Session], Document], body: Body, act: Callable[[Session, Document], object],
    tell: Callable[[Session], Mapping[str, Any]],
) -> Response:  # fmt: skip
    """Do ``act`` to the document that ``known`` finds, and answer with it as ``tell`` tells it then."""

    def told(session: Session) -> Mapping[str, Any]:
        act(session, known(session))
        session.flush()
        return tell(session)

    return write(told, body.model_dump(mode="json"))
