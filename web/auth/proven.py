"""Tokens that this process has seen to be good: who they stand for need not be read again, only that they still hold.

A token's role and company are never edited, so an identity may be kept. That it was not revoked meanwhile and has not
run out is asked of the database each time, in the transaction that does the work and in the statement that begins it:
a revoked token is refused at once.
"""

from sqlalchemy.orm import Session

from web.auth.identity import Identity
from web.auth.refusals import UnknownToken
from web.auth.tokens import NOTED_EVERY_S, check_token, hash_of
from wms.db import Question, first_answer

REMEMBERED = 10_000
HOLDS = (
    "SELECT 1 FROM api_token WHERE token_hash = %s AND id = %s AND revoked_at IS NULL AND expires_at > now()"
    " AND used_at > now() - make_interval(secs => %s)"
)

_proven: dict[bytes, Identity] = {}


def keep(secret: str, who: Identity) -> Identity:
    """Remember whom a good token stands for, unless that hangs on the roles of a company; return the same."""
    if who.company_id is None:
        if len(_proven) >= REMEMBERED:
            _proven.clear()
        _proven[hash_of(secret)] = who
    return who


def known(secret: str) -> Identity | None:
    """Return whom a token stood for when it was last good."""
    return _proven.get(hash_of(secret))


def question(secret: str, who: Identity) -> Question:
    """Return what a unit of work may ask first, so that :func:`confirm` need not."""
    return Question(HOLDS, (hash_of(secret), who.token_id, NOTED_EVERY_S))


def confirm(session: Session, secret: str, who: Identity) -> None:
    """Return when the token of ``who`` still holds, having noted its use; raises as :func:`check_token` does.

    ``session`` is a unit of work that began with :func:`question`; any other answer than yes is looked into.
    """
    if first_answer(session) == 1:
        return
    if check_token(session, secret).id != who.token_id:
        raise UnknownToken
    session.flush()  # before any other lock: who notes the use of the token must not wait for goods with it
