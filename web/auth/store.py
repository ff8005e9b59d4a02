"""Flask-Security's user datastore over our own tables.

What Flask-Login keeps in the signed cookie (``fs_uniquifier``) is the random key of one login (LoginSession), not the
number of a person: each login has a new one, and ending the row ends the login wherever its cookie was copied to.
"""

from dataclasses import dataclass, field
from typing import Any

from flask import request
from flask_security import RoleMixin, UserDatastore, UserMixin
from sqlalchemy import select

from web.auth import credentials, passwords
from web.auth.identity import Identity, of_person
from web.auth.tables import Credential
from wms.db import Database, Scope


@dataclass
class Role(RoleMixin):
    """A role by its name; rights stand in the policies of the routes."""

    name: str
    permissions: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Member(UserMixin):
    """Somebody who logs in, as Flask-Security wants to see them."""

    id: int
    login_name: str
    password: str
    identity: Identity
    fs_uniquifier: str = ""
    active: bool = True
    roles: list[RoleMixin] = field(default_factory=list)

    def verify_and_update_password(self, password: str) -> bool:
        """Whether it is the password; a hash made with old parameters is made anew at the next put()."""
        if not passwords.matches(password, self.password):
            return False
        if passwords.is_outdated(self.password):
            self.password = passwords.hashed(password)
        return True

    def track_failed_authn(self, auth_type: str, tfa: bool = False) -> None:
        """Failed tries are counted by the login form."""


class MemberStore(UserDatastore):
    """Finds members; writes only what logging in and changing a password needs, each in its own transaction."""

    user_model = Member
    role_model = Role

    def __init__(self, database: Database, tenant_id: int) -> None:
        super().__init__(Member, Role)
        self.database = database
        self.scope = Scope.system(tenant_id)

    def find_user(self, case_insensitive: bool = False, **query: Any) -> Member | None:  # noqa: ARG002 - never is
        """Return the member by ``login_name`` or by the key of a login (``fs_uniquifier``)."""
        with self.database.unit_of_work(self.scope) as session:
            if key := query.get("fs_uniquifier"):
                resumed = credentials.resume_login(session, key)
                return _member(*resumed, key) if resumed else None
            name = str(query.get("login_name", "")).strip().casefold()
            credential = session.scalar(select(Credential).where(Credential.login_name == name))
            identity = of_person(session, credential) if credential else None
            if credential is None or identity is None:
                return None
            return _member(credential, identity, credentials.new_key())

    def find_role(self, role: str) -> Role | None:
        return Role(role)

    def put(self, model: Member) -> Member:
        """Keep a changed password: the old logins end with it."""
        with self.database.unit_of_work(self.scope) as session:
            credential = session.get_one(Credential, model.id)
            if credential.password_hash != model.password:
                credential.password_hash = model.password
                credentials.end_logins(session, credential.id)
        return model

    def set_uniquifier(self, user: UserMixin, uniquifier: str | None = None) -> None:
        user.fs_uniquifier = uniquifier or credentials.new_key()

    def commit(self) -> None:
        """Nothing waits to be committed here."""

    def start_login(self, member: Member) -> None:
        """Write the login down; called when Flask-Security says that somebody proved who they are."""
        with self.database.unit_of_work(self.scope) as session:
            browser = request.headers.get("User-Agent", "")
            credentials.start_login(session, member.id, member.fs_uniquifier, request.remote_addr, browser)

    def end_login(self, key: str) -> None:
        with self.database.unit_of_work(self.scope) as session:
            credentials.end_login(session, key)


def _member(credential: Credential, identity: Identity, key: str) -> Member:
    return Member(
        id=credential.id,
        login_name=credential.login_name,
        password=credential.password_hash,
        fs_uniquifier=key,
        identity=identity,
        roles=[Role(role) for role in sorted(identity.roles)],
    )
