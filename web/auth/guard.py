"""The guard before every request: who is it, may they, and is a form really ours. What declares nothing stays shut."""

from flask import Flask, Response, current_app, g, redirect, request, url_for
from flask_login import current_user
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy.orm import Session
from werkzeug.exceptions import InternalServerError
from werkzeug.wrappers import Response as AnyResponse

from web.auth import attempts, proven
from web.auth.identity import Identity, of_token
from web.auth.policy import Policy, policy_of
from web.auth.refusals import FirmMayNot, FormExpired, NotLoggedIn, RoleMayNot, TooMany, UnknownToken
from web.auth.store import Member
from web.auth.tokens import check_token
from web.context import database, settings
from wms.db import Question, Scope

SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
csrf = CSRFProtect()

BAD_TOKENS, BAD_TOKENS_WINDOW_S = 30, 60  # wrong tokens from one address before it has to wait


def install_guard(app: Flask) -> None:
    csrf.init_app(app)
    app.before_request(check_caller)


def check_caller() -> AnyResponse | None:
    """Answer instead of the view when the caller may not use it; raises the refusal on the API."""
    if request.endpoint is None:
        g.caller = identify()
        return None  # no such route: the error page says so
    rule = policy_of(current_app, request.endpoint)
    if rule is None:
        raise InternalServerError(f"{request.endpoint} declares no policy")
    g.policy = rule
    g.caller = None if request.endpoint == "static" else identify(confirms=rule.confirms)
    if rule.is_public:
        _check_form()
        return None
    if g.caller is None:
        return _ask_to_log_in()
    _refuse_unfit(rule, g.caller)
    _refuse_over_limit(rule, g.caller)
    _check_form()
    return None


def identify(*, confirms: bool = False) -> Identity | None:
    """Return who calls: by token when one is sent, else by the browser's login. A bad token is an error, not nobody.

    ``confirms``: the view asks the database again (:func:`confirm`), so a token known to this process will do for now.
    """
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme:
        secret = secret.strip() if scheme.lower() == "bearer" else ""
        if confirms and (known := proven.known(secret)):
            g.unconfirmed = secret
            return known
        return _by_token(secret)
    if isinstance(member := current_user._get_current_object(), Member):
        return member.identity
    return None


def _by_token(secret: str) -> Identity:
    """A good token is never made to wait: one broken handheld must not stop the others behind its address."""
    scope = Scope.system(settings().tenant_id)
    try:
        with database().unit_of_work(scope) as session:
            return proven.keep(secret, of_token(session, check_token(session, secret)))
    except UnknownToken:
        with database().unit_of_work(scope) as session:
            n = attempts.count(session, f"token:address:{request.remote_addr}", BAD_TOKENS_WINDOW_S)
        if n > BAD_TOKENS:
            raise TooMany(wait_s=BAD_TOKENS_WINDOW_S) from None
        raise


def unconfirmed() -> Question | None:
    """Return what the view's own transaction is to begin with, that :func:`confirm` may find its answer there."""
    secret = g.get("unconfirmed")
    return proven.question(secret, g.caller) if secret else None


def confirm(session: Session) -> None:
    """Ask in the view's own transaction whether the caller's token still holds: the first thing it does.

    Raises :class:`TokenRevoked`, :class:`TokenExpired` or :class:`UnknownToken`. For who was proven in this request
    already, nothing is asked.
    """
    if secret := g.get("unconfirmed"):
        proven.confirm(session, secret, g.caller)


def _ask_to_log_in() -> Response | AnyResponse:
    login = url_for("security.login", next=request.full_path.rstrip("?"))
    if request.headers.get("HX-Request"):
        return Response(status=401, headers={"HX-Redirect": login})
    if request.method in SAFE and not request.path.startswith(("/api/", "/live")):
        return redirect(login)
    raise NotLoggedIn


def _refuse_unfit(rule: Policy, who: Identity) -> None:
    if not rule.roles & who.roles:
        raise RoleMayNot(allowed=", ".join(sorted(rule.roles)) or "–")
    if not rule.admits(who.roles, sees_all=who.sees_all):
        raise FirmMayNot


def _refuse_over_limit(rule: Policy, who: Identity) -> None:
    if rule.per_minute is None:
        return
    bucket = f"calls:{request.endpoint}:{who.person_id or f'token-{who.token_id}'}"
    with database().unit_of_work(Scope.system(who.tenant_id)) as session:
        over = attempts.count(session, bucket, 60) > rule.per_minute
    if over:
        raise TooMany(wait_s=60)


def _check_form() -> None:
    """A write from a browser must carry the form's token; one that an Authorization header proves need not."""
    by_token = g.caller is not None and g.caller.via == "token"
    if request.method in SAFE or by_token:
        return
    try:
        csrf.protect()
    except CSRFError:
        raise FormExpired from None
