"""Logging in and out: Flask-Security with our store, our form and our limits."""

from datetime import timedelta
from typing import Any

from flask import Flask, Request, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import user_logged_out
from flask_security import LoginForm, Security, user_authenticated
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from web.auth import attempts, credentials, passwords
from web.auth.policy import PUBLIC, SHUT, declare
from web.auth.refusals import TooMany
from web.auth.store import Member, MemberStore
from wms.db import Database

CONFIG: dict[str, Any] = {
    "SECURITY_USER_IDENTITY_ATTRIBUTES": [{"login_name": {"mapper": lambda given: given, "case_insensitive": True}}],
    "SECURITY_PASSWORD_HASH": "argon2",
    "SECURITY_PASSWORD_SINGLE_HASH": True,  # argon2 carries its own salt
    "SECURITY_PASSWORD_SALT": "unused",
    "SECURITY_API_ENABLED_METHODS": ["session"],
    "SECURITY_LOGIN_URL": "/login",
    "SECURITY_LOGOUT_URL": "/logout",
    "SECURITY_LOGOUT_METHODS": ["POST"],
    "SECURITY_POST_LOGIN_VIEW": "/",
    "SECURITY_POST_LOGOUT_VIEW": "/login",
    "SECURITY_RETURN_GENERIC_RESPONSES": False,  # our form already says one sentence for every wrong pair
    "SECURITY_EMAIL_VALIDATOR_ARGS": {"check_deliverability": False},
    "SESSION_COOKIE_NAME": "dongting",
    "SESSION_COOKIE_HTTPONLY": True,
    "SESSION_COOKIE_SAMESITE": "Lax",
    "PERMANENT_SESSION_LIFETIME": credentials.ABSOLUTE,
    "WTF_CSRF_TIME_LIMIT": int(timedelta(hours=12).total_seconds()),
    "WTF_CSRF_CHECK_DEFAULT": False,  # web/auth/guard.py asks for it where a cookie session writes
}


USED = ("security.login", "security.logout")


class Sessions(SecureCookieSessionInterface):
    """Flask's own sessions; where no cookie came, as from every device, nothing is made ready to read one."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return super().open_session(app, request) if "Cookie" in request.headers else self.session_class()


class LoginNameForm(LoginForm):
    """Login name and password; one sentence for every wrong pair, and a limit on tries."""

    email = None
    remember = None
    login_name = StringField(
        lazy_gettext("Login name"), validators=[InputRequired(), Length(max=60)], render_kw={"autocomplete": "username"}
    )

    def validate(self, **_more: Any) -> bool:
        store: MemberStore = self.meta.store
        name = str(self.login_name.data or "")
        buckets = {
            credentials.name_bucket(name): credentials.NAME_TRIES,
            credentials.address_bucket(request.remote_addr): credentials.ADDRESS_TRIES,
        }
        try:
            with store.database.unit_of_work(store.scope) as transaction:
                for bucket, most in buckets.items():
                    attempts.refuse_over(transaction, bucket, most, credentials.TRIES_WINDOW_S)
        except TooMany as refusal:
            self.form_errors.append(_(refusal.text, **refusal.values))
            return False
        return self._is_right_pair(store, name, list(buckets))

    def _is_right_pair(self, store: MemberStore, name: str, buckets: list[str]) -> bool:
        self.user = store.find_user(login_name=name)
        self.ifield = self.login_name
        if self.user is None:
            passwords.matches(str(self.password.data or ""), None)
        if self.user is not None and super().validate():
            with store.database.unit_of_work(store.scope) as transaction:
                attempts.forget(transaction, buckets[0])
            return True
        with store.database.unit_of_work(store.scope) as transaction:
            for bucket in buckets:
                attempts.count(transaction, bucket, credentials.TRIES_WINDOW_S)
        for one in self:
            one.errors = []
        self.form_errors = [_("Login name or password is not right.")]
        return False


def install_login(app: Flask, database: Database, tenant_id: int) -> MemberStore:
    """Join login, logout and sessions to ``app``; return the store."""
    app.config.update(CONFIG)
    app.session_interface = Sessions()
    store = MemberStore(database, tenant_id)
    form = type("LoginForm", (LoginNameForm,), {"Meta": type("Meta", (LoginNameForm.Meta,), {"store": store})})
    security = Security(app, store, login_form=form)
    security.login_manager.request_loader(lambda _request: None)  # tokens are ours, see web/auth/guard.py
    security.login_manager.session_protection = None  # the login row decides, not the address and browser
    # What the caller may do stands in web/auth/policy.py; the permissions of Flask-Principal are nowhere asked.
    app.before_request_funcs[None].remove(security.principal._on_before_request)
    user_authenticated.connect(_on_login, app)
    user_logged_out.connect(_on_logout, app)
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("security."):
            declare(app, rule.endpoint, PUBLIC if rule.endpoint in USED else SHUT)
    return store


def _on_login(app: Flask, user: Member, **_more: Any) -> None:
    session.permanent = True
    store: MemberStore = app.extensions["security"].datastore
    store.start_login(user)


def _on_logout(app: Flask, user: Member | None = None, **_more: Any) -> None:
    store: MemberStore = app.extensions["security"].datastore
    if isinstance(user, Member):
        store.end_login(user.fs_uniquifier)
