"""The overview, a person's own account, language and colours."""

import secrets
from urllib.parse import urlsplit

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import logout_user
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from web.assets import asset
from web.auth import attempts, credentials, passwords
from web.auth.policy import PEOPLE, policy, public
from web.auth.refusals import TooMany, WeakPassword
from web.auth.tables import Credential
from web.context import current_identity, database, settings, unit_of_work
from web.i18n import COOKIE, LOCALES, localised, script_words, words_hash
from web.navigation import THEMES
from web.today import figures
from wms.db import Scope
from wms.errors import N_, NotFound

bp = Blueprint("home", __name__)
A_YEAR_S = 365 * 24 * 3600

ROLE_NAMES = {
    "clerk": N_("Warehouse clerk"),
    "supervisor": N_("Shift supervisor"),
    "planner": N_("Planner"),
    "declarant": N_("Declarant"),
    "customs_officer": N_("Customs officer"),
    "administrator": N_("Administrator"),
    "auditor": N_("Auditor"),
    "device": N_("Device"),
}


@bp.app_template_global()
def role_name(role: str) -> str:
    """Return the role's name in the page's language."""
    return _(ROLE_NAMES[role]) if role in ROLE_NAMES else role


@bp.app_template_global()
def new_key() -> str:
    """Return a key for a form that is shown now, so that sending it twice counts once."""
    return secrets.token_urlsafe(18)


@bp.get("/")
@policy(*PEOPLE, firms=True)
def index() -> str:
    """What waits for the person, and what they can do here."""
    who = current_identity()
    assert who is not None
    with unit_of_work() as session:
        waiting = figures(session, who)
    return render_template("home.html", figures=waiting)


@bp.get("/account")
@policy(*PEOPLE, firms=True)
def account() -> str:
    """The person's own data, and their password."""
    return render_template("account.html", least=passwords.LEAST, error=None)


@bp.post("/account")
@policy(*PEOPLE, firms=True, per_minute=10)
def change_password() -> AnyResponse | tuple[str, int]:
    """Give a new password; all logins end, this one too."""
    who = current_identity()
    new = request.form.get("new_password", "")
    try:
        with database().unit_of_work(Scope.system(settings().tenant_id)) as session:
            own = select(Credential).where(Credential.person_id == (who.person_id if who else None))
            credential = session.scalar(own)
            bucket = credentials.name_bucket(who.login_name if who else "")
            attempts.refuse_over(session, bucket, credentials.NAME_TRIES, credentials.TRIES_WINDOW_S)
            is_right = credential is not None and passwords.matches(
                request.form.get("password", ""), credential.password_hash
            )
            if credential is None or not is_right:
                attempts.count(session, bucket, credentials.TRIES_WINDOW_S)
                return _account_again(_("This is not your present password."), "password")
            if new != request.form.get("new_password_again"):
                return _account_again(_("The two new passwords differ."), "new_password_again")
            credentials.set_password(session, credential, new)
    except (WeakPassword, TooMany) as refusal:
        return _account_again(localised(refusal.text, refusal.values), "new_password")
    logout_user()
    flash(_("The password is changed. Please log in with it."))
    return redirect(url_for("security.login"))


def _account_again(error: str, field: str) -> tuple[str, int]:
    return render_template("account.html", least=passwords.LEAST, error=error, wrong=field), 422


@bp.get("/favicon.ico")
@public
def favicon() -> AnyResponse:
    """The address that browsers ask on their own."""
    return redirect(asset("icons/dongting.svg"))


@bp.get("/words/<locale>.json")
@public
def words(locale: str) -> Response:
    """The words that scripts show, in one language."""
    if locale not in LOCALES:
        raise NotFound(what=locale)
    response = jsonify(script_words(locale))
    if request.args.get("v") == words_hash():
        response.headers["Cache-Control"] = f"public, max-age={A_YEAR_S}, immutable"
    return response


@bp.post("/preferences")
@public
def prefer() -> Response | AnyResponse:
    """Keep language or colours on this device and go back to the page."""
    response = redirect(_own_address(request.form.get("next", "/")))
    for name, allowed in ((COOKIE, LOCALES), ("theme", THEMES)):
        if (chosen := request.form.get(name)) in allowed:
            response.set_cookie(
                name, str(chosen), max_age=A_YEAR_S, samesite="Lax", httponly=True, secure=request.is_secure
            )
    return response


def _own_address(given: str) -> str:
    """Return the address when it is a path of ours, else the overview: nobody is sent elsewhere by a form."""
    parts = urlsplit(given)
    is_ours = not parts.scheme and not parts.netloc and given.startswith("/") and given[1:2] not in ("/", "\\")
    return given if is_ours else "/"
