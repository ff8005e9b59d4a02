"""What every answer says to the browser about scripts, frames, caches and the request's number."""

import secrets

from flask import Flask, Response, g, request

from web.live import live_origin

# wasm-unsafe-eval lets the barcode reader compile; it does not allow eval() (web reference, trap 9).
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self' 'nonce-{nonce}'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'{live}; worker-src 'self' blob:; "
    "font-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def csp_nonce() -> str:
    """Return this request's nonce: an inline script or style without it does not run."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def _content_security_policy() -> str:
    live = live_origin()
    return CONTENT_SECURITY_POLICY.format(nonce=csp_nonce(), live=f" {live}" if live else "")


# Said with every answer, unless the view said otherwise itself.
ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(self), microphone=(), geolocation=(), payment=(), usb=()"),
)
VARY = ("Cookie", "Accept-Language", "Authorization")


def secure(response: Response) -> Response:
    headers = response.headers
    given = {name.lower() for name in headers.keys()}  # noqa: SIM118 - a multidict: iterated it gives pairs
    if "content-security-policy" not in given:
        headers.add("Content-Security-Policy", _content_security_policy())
    for name, value in ALWAYS:
        if name.lower() not in given:
            headers.add(name, value)
    if request.is_secure and "strict-transport-security" not in given:
        headers.add("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint != "static":
        if "cache-control" not in given:
            headers.add("Cache-Control", "no-store")  # pages show stock and people; nothing stays behind
        if "vary" in given:
            response.vary.update(VARY)
        else:
            headers.add("Vary", ", ".join(VARY))
    return response


def install_headers(app: Flask) -> None:
    app.after_request(secure)
    app.jinja_env.globals["csp_nonce"] = csp_nonce
