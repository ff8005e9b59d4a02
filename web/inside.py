"""One address of the house asked from within, as the caller: every guard is passed again, nothing is opened twice."""

from flask import Response, current_app, request

PASSED_ON = ("Authorization", "Cookie", "Accept-Language", "User-Agent")


def ask(address: str) -> Response:
    """Return what the caller would be answered at ``address`` (path and query of this application)."""
    kept = {name: value for name in PASSED_ON if (value := request.headers.get(name))}
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    with app.test_request_context(address, headers=kept, environ_overrides={"REMOTE_ADDR": request.remote_addr}):
        return app.full_dispatch_request()  # type: ignore[no-any-return]
