"""Login names and passwords of persons, and the logins (browser sessions) made with them."""

import hashlib
import re
import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from web.auth import attempts, passwords
from web.auth.identity import Identity, of_person
from web.auth.refusals import BadLoginName, LoginNameTaken
from web.auth.tables import Credential, LoginSession
from wms.errors import NotFound
from wms.parties.tables import Person

LOGIN_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{2,39}")
IDLE = timedelta(minutes=60)  # an officer watches a quiet lane; ASVS 5.0 V7.3.1 asks for a stated time
ABSOLUTE = timedelta(hours=12)  # one shift; ASVS 5.0 V7.3.2
NOTED_EVERY = timedelta(seconds=60)  # how stale "last seen" may be: not one write for each request

NAME_TRIES, ADDRESS_TRIES, TRIES_WINDOW_S = 5, 50, 15 * 60


def name_bucket(login_name: str) -> str:
    return f"login:name:{login_name.strip().casefold()[:60]}"


def address_bucket(address: str | None) -> str:
    return f"login:address:{address}"


def create_credential(session: Session, *, person_id: int, login_name: str, password: str) -> int:
    """Let a person log in; return the credential's id.

    Raises NotFound, :class:`BadLoginName`, :class:`LoginNameTaken`, or the password rule that is broken.
    """
    if not LOGIN_NAME.fullmatch(login_name):
        raise BadLoginName(field="login_name")
    passwords.refuse_weak(password, login_name)
    if session.get(Person, person_id) is None:
        raise NotFound(what=f"person {person_id}")
    if session.scalar(select(Credential.id).where(Credential.login_name == login_name)) is not None:
        raise LoginNameTaken(field="login_name", login_name=login_name)
    credential = Credential(
        person_id=person_id, login_name=login_name, password_hash=passwords.hashed(password)
    )
    session.add(credential)
    session.flush()
    return credential.id


def set_password(session: Session, credential: Credential, password: str) -> None:
    """Give a new password; every login made with the old one ends. Raises the rule that is broken."""
    passwords.refuse_weak(password, credential.login_name)
    credential.password_hash = passwords.hashed(password)
    credential.password_set_at = datetime.now(UTC)
    end_logins(session, credential.id)


def replace_password(session: Session, person_id: int) -> str:
    """Give a person who forgot theirs a random password and return it, this once; their logins end. Raises NotFound."""
    credential = session.scalar(select(Credential).where(Credential.person_id == person_id))
    if credential is None:
        raise NotFound(what=f"person {person_id}")
    password = secrets.token_urlsafe(12)
    credential.password_hash = passwords.hashed(password)
    credential.password_set_at = datetime.now(UTC)
    end_logins(session, credential.id)
    unlock(session, credential.login_name)
    return password


def end_logins(session: Session, credential_id: int) -> None:
    """End all logins of a credential: password changed, person left, or asked for."""
    open_ones = update(LoginSession).where(
        LoginSession.credential_id == credential_id, LoginSession.ended_at.is_(None)
    )
    session.execute(open_ones.values(ended_at=datetime.now(UTC)))


def unlock(session: Session, login_name: str) -> None:
    """Forget failed tries, so that the person may try again at once."""
    attempts.forget(session, name_bucket(login_name))


def key_hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def new_key() -> str:
    return secrets.token_urlsafe(32)


def start_login(session: Session, credential_id: int, key: str, address: str | None, browser: str) -> None:
    """Write down a new login under ``key``, which the browser keeps in its signed cookie."""
    session.add(
        LoginSession(
            credential_id=credential_id, key_hash=key_hash(key), address=address, browser=browser[:200] or None
        )
    )
    session.flush()


def end_login(session: Session, key: str) -> None:
    """End one login; a copy of its cookie is worth nothing from now on (ASVS 5.0 V7.4.1)."""
    this = update(LoginSession).where(LoginSession.key_hash == key_hash(key), LoginSession.ended_at.is_(None))
    session.execute(this.values(ended_at=datetime.now(UTC)))


def resume_login(session: Session, key: str, now: datetime | None = None) -> tuple[Credential, Identity] | None:
    """Return who the login under ``key`` belongs to; None when it ended, idled out, grew too old or they left."""
    now = now or datetime.now(UTC)
    both = select(LoginSession, Credential).join(Credential, Credential.id == LoginSession.credential_id)
    found = session.execute(both.where(LoginSession.key_hash == key_hash(key))).one_or_none()
    if found is None or found[0].ended_at is not None:
        return None
    login, credential = found
    if now - login.seen_at > IDLE or now - login.started_at > ABSOLUTE:
        login.ended_at = now
        return None
    identity = of_person(session, credential)
    if identity is None:
        login.ended_at = now
        return None
    if now - login.seen_at > NOTED_EVERY:
        login.seen_at = now
    return credential, identity
