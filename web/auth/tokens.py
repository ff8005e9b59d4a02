"""API tokens: 32 random bytes, shown once, kept as SHA-256; one role, perhaps one company, an end, revocable alone."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from web.auth.refusals import TokenExpired, TokenRevoked, UnknownToken
from web.auth.tables import ApiToken
from wms.errors import N_, Kind, NotFound, WmsError
from wms.parties.rules import CustomsGivesItself, UnknownRole
from wms.parties.tables import PERSON_ROLES, Company

MARK = "dt_"  # so that a token is told from other secrets where one leaks
PREFIX_LENGTH = len(MARK) + 8
LONGEST_DAYS = 366
NOTED_EVERY_S = 60  # how stale "last used" may be: not one write for each request


class DaysOutOfRange(WmsError):
    """A token lives too long or not at all."""

    code = "token_days_out_of_range"
    kind = Kind.INVALID
    text = N_("A token lives 1 to %(most)s days.")


@dataclass(frozen=True)
class NewToken:
    """A token just made. ``secret`` is shown once and kept nowhere."""

    id: int
    secret: str
    prefix: str
    expires_at: datetime


def hash_of(secret: str) -> bytes:
    """Return what is kept of a token. A plain hash is enough: the secret has 256 bits and cannot be guessed."""
    return hashlib.sha256(secret.encode()).digest()


def create_token(
    session: Session,
    *,
    role: str,
    label: str,
    company: str | None = None,
    days: int = 90,
    created_by_id: int | None = None,
    acting_role: str = "system",
) -> NewToken:
    """Make a token for ``role``, bound to the company with the code ``company`` (None: the installation itself).

    Raises :class:`UnknownRole`, :class:`DaysOutOfRange`, :class:`CustomsGivesItself`, or NotFound for the company.
    """
    if role not in PERSON_ROLES:
        raise UnknownRole(field="role", role=role, roles=", ".join(PERSON_ROLES))
    if not 1 <= days <= LONGEST_DAYS:
        raise DaysOutOfRange(field="days", most=LONGEST_DAYS)
    if role == "customs_officer" and acting_role not in ("system", "customs_officer"):
        raise CustomsGivesItself(field="role")
    secret = MARK + secrets.token_urlsafe(32)
    token = ApiToken(
        label=label,
        prefix=secret[:PREFIX_LENGTH],
        token_hash=hash_of(secret),
        role=role,
        company_id=_company_id(session, company),
        created_by_id=created_by_id,
        expires_at=datetime.now(UTC) + timedelta(days=days),
    )
    session.add(token)
    session.flush()
    return NewToken(token.id, secret, token.prefix, token.expires_at)


def _company_id(session: Session, code: str | None) -> int | None:
    if not code:
        return None
    found = session.scalar(select(Company.id).where(Company.code == code))
    if found is None:
        raise NotFound(field="company", what=code)
    return found


def revoke_token(session: Session, token_id: int) -> None:
    """Take a token back, at once and for good. Raises NotFound; revoking twice is the same as once."""
    if session.get(ApiToken, token_id) is None:
        raise NotFound(what=f"token {token_id}")
    not_yet = update(ApiToken).where(ApiToken.id == token_id, ApiToken.revoked_at.is_(None))
    session.execute(not_yet.values(revoked_at=datetime.now(UTC)))


def check_token(session: Session, secret: str, now: datetime | None = None) -> ApiToken:
    """Return the valid token behind ``secret`` and note that it was used.

    Raises :class:`UnknownToken`, :class:`TokenRevoked` or :class:`TokenExpired`.
    """
    now = now or datetime.now(UTC)
    token = session.scalar(select(ApiToken).where(ApiToken.token_hash == hash_of(secret)))
    if token is None:
        raise UnknownToken
    if token.revoked_at is not None:
        raise TokenRevoked
    if token.expires_at <= now:
        raise TokenExpired(expired_at=token.expires_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC"))
    if token.used_at is None or now - token.used_at > timedelta(seconds=NOTED_EVERY_S):
        token.used_at = now
    return token
