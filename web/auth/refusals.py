"""What the front door says when it does not open."""

from wms.errors import N_, Kind, WmsError


class NotLoggedIn(WmsError):
    """Nobody is logged in and the route is not for everybody."""

    code = "not_logged_in"
    kind = Kind.FORBIDDEN
    text = N_("Please log in, or send an API token.")


class UnknownToken(WmsError):
    """The token is not one of ours. Said for revoked tokens' unknown hashes too."""

    code = "unknown_token"
    kind = Kind.FORBIDDEN
    text = N_("This API token is not known here.")


class TokenExpired(WmsError):
    """The token's time is over."""

    code = "token_expired"
    kind = Kind.FORBIDDEN
    text = N_("This API token expired at %(expired_at)s. Ask an administrator for a new one.")


class TokenRevoked(WmsError):
    """The token was taken back."""

    code = "token_revoked"
    kind = Kind.FORBIDDEN
    text = N_("This API token was revoked.")


class RoleMayNot(WmsError):
    """The caller is known, but the route is for other roles."""

    code = "role_may_not"
    kind = Kind.FORBIDDEN
    text = N_("This is for the roles %(allowed)s.")


class FirmMayNot(WmsError):
    """The caller's role fits, but the route shows more than one company's cargo."""

    code = "firm_may_not"
    kind = Kind.FORBIDDEN
    text = N_("This is not open to companies that see only their own cargo.")


class FormExpired(WmsError):
    """The form's protection against forged requests is missing or too old."""

    code = "form_expired"
    kind = Kind.INVALID
    text = N_("This form is too old or was not sent from our page. Reload the page and send it again.")


class TooMany(WmsError):
    """More calls than allowed in the window."""

    code = "too_many_requests"
    kind = Kind.UNAVAILABLE
    text = N_("Too many tries. Please wait %(wait_s)s seconds.")

    def __init__(self, *, wait_s: int) -> None:
        self.wait_s = wait_s
        super().__init__(wait_s=wait_s)


class WeakPassword(WmsError):
    """The new password breaks a rule."""

    code = "weak_password"
    kind = Kind.INVALID
    text = N_("The password must be %(least)s to %(most)s characters long.")


class ObviousPassword(WeakPassword):
    """The new password is among the first that anybody would try."""

    code = "obvious_password"
    text = N_("This password is too easy to guess: it is a well-known one, a pattern, or holds the login name.")


class LoginNameTaken(WmsError):
    """Another person logs in by that name."""

    code = "login_name_taken"
    kind = Kind.CONFLICT
    text = N_("The login name %(login_name)s is taken.")


class BadLoginName(WmsError):
    """The login name breaks its rule."""

    code = "bad_login_name"
    kind = Kind.INVALID
    text = N_("A login name has 3 to 40 small letters, digits, dots or hyphens.")
