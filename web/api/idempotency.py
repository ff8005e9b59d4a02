"""Writes that may be sent again: the same key with the same content gets the first answer and changes nothing twice."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from flask import Response, jsonify, request
from sqlalchemy.orm import Session

from web.api.problems import answer, document, status_of
from web.context import current_identity, current_scope, database
from web.i18n import localised
from wms.errors import N_, Kind, WmsError
from wms.record.rules import digest
from wms.record.service import Answer, once

HEADER, FORM_FIELD = "Idempotency-Key", "idempotency_key"
LONGEST = 200


class KeyMissing(WmsError):
    """A write came without its key: sent twice it would count twice."""

    code = "idempotency_key_missing"
    kind = Kind.INVALID
    text = N_("A write needs an Idempotency-Key of 1 to %(longest)s characters, made by the client for this deed.")


def request_key() -> str:
    """Return the client-made key of this write (header, or hidden field of a form). Raises :class:`KeyMissing`."""
    key = request.headers.get(HEADER) or request.form.get(FORM_FIELD, "")
    if not 0 < len(key) <= LONGEST or not key.isprintable():
        raise KeyMissing(field=HEADER, longest=LONGEST)
    return key


def request_hash(content: Mapping[str, Any]) -> bytes:
    """Return SHA-256 over who asks, for what, with which content: another's key is never another's answer."""
    who = current_identity()
    by = f"person {who.person_id}" if who and who.person_id else f"token {who.token_id}" if who else "nobody"
    return digest({"by": by, "method": request.method, "path": request.path, "content": dict(content)})


def run_once(act: Callable[[Session], Mapping[str, Any]], content: Mapping[str, Any]) -> Answer:
    """Run ``act`` for the caller at most once under the request's key; a repeat gets the first answer."""
    key, content_hash = request_key(), request_hash(content)
    return database().run(current_scope(), lambda session: once(session, key, content_hash, lambda: act(session)))


def write(
    act: Callable[[Session], Mapping[str, Any]], content: Mapping[str, Any], *, status: int = 200
) -> Response:
    """Run ``act`` for the caller at most once under the request's key, and return its body as JSON.

    ``content`` is the validated body (``model_dump(mode="json")``). A refusal is an answer too: it is stored, and the
    same problem comes back when the request is repeated. Both repeats carry ``Idempotent-Replayed: true``.
    """
    given = run_once(act, content)
    response = _refused(given.body) if given.is_refusal else jsonify(given.body)
    if not given.is_refusal:
        response.status_code = status
    if given.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _refused(stored: Mapping[str, Any]) -> Response:
    return answer(stored_problem(stored))


def stored_problem(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the problem document of a stored refusal (``code``, ``field``, ``values``) in the request's language."""
    refusal = refusals().get(stored["code"], WmsError)
    detail = localised(refusal.text, dict(stored["values"]))
    more = {"errors": [_part(part) for part in stored["parts"]]} if stored.get("parts") else {}
    return document(status_of(refusal), stored["code"], detail, stored["field"], **more)


def _part(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return why one part of a whole was refused, in the request's language."""
    text = refusals().get(stored["code"], WmsError).text
    return {"field": stored["field"], "code": stored["code"], "detail": localised(text, dict(stored["values"]))}


@cache
def refusals() -> dict[str, type[WmsError]]:
    """Return every refusal of the loaded rooms by its code."""
    found: dict[str, type[WmsError]] = {}
    waiting = [WmsError]
    while waiting:
        one = waiting.pop()
        found.setdefault(one.code, one)
        waiting.extend(one.__subclasses__())
    return found
