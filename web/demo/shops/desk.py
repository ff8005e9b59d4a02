"""The declarant's program as the shops play it: a client of the JSON API that knows its addresses and nothing else."""

import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

TIMEOUT_S = 20.0


class Refused(Exception):
    """The API said no, or nothing at all."""


class Desk:
    """The API at ``url``, asked with ``token``."""

    def __init__(self, url: str, token: str, certificate: Path | None = None) -> None:
        self._url, self._token = f"{url.rstrip('/')}/api/v1", token
        self._context: ssl.SSLContext | None = None
        if url.startswith("https:"):
            self._context = ssl.create_default_context(cafile=str(certificate) if certificate else None)

    def orders(self, **asked: str) -> list[dict[str, Any]]:
        query = "&".join(f"{name}={quote(value)}" for name, value in asked.items())
        found: list[dict[str, Any]] = self._ask("GET", f"/retail-orders?{query}")
        return found

    def draw_up(self, platform: str, order_no: str, terms: dict[str, Any]) -> str:
        """Draw a declaration up and return its number. Raises Refused with the reason."""
        body = {"ebp_code": platform, "orders": [order_no], "terms": terms}
        (one,) = self._ask("POST", "/parcel-declarations", body)["orders"]
        if not one["number"]:
            raise Refused(one.get("reason", "refused"))
        return str(one["number"])

    def declare(self, number: str) -> None:
        (one,) = self._ask("POST", "/parcel-declarations/declare", {"numbers": [number]})["declarations"]
        if one.get("outcome") == "refused":
            raise Refused(one.get("reason", "refused"))

    def declaration(self, number: str) -> dict[str, Any]:
        found: dict[str, Any] = self._ask("GET", f"/parcel-declarations/{quote(number)}")
        return found

    def cancel(self, number: str, reason: str) -> None:
        self._ask("POST", f"/parcel-declarations/{quote(number)}/cancellation", {"reason": reason})

    def take_back(self, number: str, reason: str, lines: list[dict[str, Any]]) -> int:
        """Apply for a return and return its id."""
        asked = self._ask("POST", f"/parcel-declarations/{quote(number)}/returns", {"reason": reason, "lines": lines})
        return int(asked["id"])

    def receipt(self, number: str, kind: str, status: str, info: str) -> None:
        """Enter a receipt by hand, as a declarant does who reads it at the single window."""
        body = {"kind": kind, "status": status, "info": info}
        self._ask("POST", f"/parcel-declarations/{quote(number)}/receipts", body)

    def back(self, request_id: int, area: str) -> None:
        self._ask("POST", f"/parcel-returns/{request_id}/back", {"area": area})

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the address of our own demo
            self._url + path, json.dumps(body).encode() if body is not None else None, method=method,
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json",
                     "Accept-Language": "zh", "Idempotency-Key": str(uuid4())},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=self._context) as answer:  # noqa: S310
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as fault:
            raise Refused(f"HTTP {fault.code} {fault.read()[:300].decode(errors='replace')}") from None
        except (OSError, ValueError) as fault:
            raise Refused(f"{type(fault).__name__}: {fault}"[:300]) from None
