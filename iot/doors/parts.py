"""A camera's endless multipart answer, cut into its parts as they come; and an endless answer of lines.

Makers are careless: parts may lack Content-Length, lines may end in a bare LF, the boundary may be announced with or
without its dashes, and a picture may follow a text. So a part ends where the next boundary line begins, unless its
Content-Length says otherwise.
"""

import re
from dataclasses import dataclass, field

ROOT = re.compile(rb"(?:<\?[^>]*>\s*)*<([A-Za-z_][\w:.-]*)")
BOUNDARY = re.compile(r'boundary\s*=\s*"?([^";,\s]{1,200})"?', re.IGNORECASE)
HEAD_BYTES = 8_192


class TooLong(Exception):
    """A part or line grows beyond the limit; the stream is broken off."""


@dataclass(frozen=True)
class Part:
    """One part: its content type in lower case, and its bytes."""

    content_type: str
    body: bytes


def boundary_of(content_type: str) -> bytes | None:
    """The boundary line without line end, None when the answer is no multipart."""
    if not content_type.lower().lstrip().startswith("multipart/"):
        return None
    found = BOUNDARY.search(content_type)
    return b"--" + found.group(1).lstrip("-").encode() if found else None


@dataclass
class Parts:
    """Takes chunks, gives parts. ``boundary`` has two dashes; whatever dashes the maker adds are let go."""

    boundary: bytes
    limit_bytes: int
    _rest: bytearray = field(default_factory=bytearray)
    _is_begun: bool = False

    def feed(self, chunk: bytes) -> list[Part]:
        """The parts that are whole now. Raises :class:`TooLong`."""
        self._rest += chunk
        found = []
        while (part := self._next()) is not None:
            if part.body:
                found.append(part)
        if len(self._rest) > self.limit_bytes + HEAD_BYTES:
            raise TooLong
        return found

    def flush(self) -> list[Part]:
        """The last part, though its end was not seen: for when nothing comes for a while and it reads as a whole."""
        head = self._head()
        if head is None or not self._rest.endswith(b"\n") or not _is_whole(bytes(self._rest[head.end() :])):
            return []
        return [] if "content-length" in _headers(head.group(1)) else self._last(head)

    def finish(self) -> list[Part]:
        """The last part as far as it came: nothing comes any more, and a broken part is better kept than lost."""
        head = self._head()
        return self._last(head) if head is not None else []

    def _head(self) -> "re.Match[bytes] | None":
        return re.match(rb"((?:[^\r\n]+\r?\n)*)\r?\n", self._rest) if self._is_begun else None

    def _last(self, head: "re.Match[bytes]") -> list[Part]:
        end = len(self._rest)
        part = self._take(_headers(head.group(1)), head.end(), end, end, is_over=True)
        return [Part(part.content_type, part.body.strip())] if part.body.strip() else []

    def _next(self) -> Part | None:
        if not self._is_begun:
            at = self._line_at(0)
            if at is None:
                del self._rest[: max(0, len(self._rest) - len(self.boundary) - 8)]
                return None
            del self._rest[: at[1]]
            self._is_begun = True
        head = re.match(rb"((?:[^\r\n]+\r?\n)*)\r?\n", self._rest)
        if head is None:
            if len(self._rest) > HEAD_BYTES and b"\n\n" not in self._rest and b"\n\r\n" not in self._rest:
                raise TooLong
            return None
        headers = _headers(head.group(1))
        length, start = headers.get("content-length", ""), head.end()
        if length.isdecimal():
            if int(length) > self.limit_bytes:
                raise TooLong
            if len(self._rest) < start + int(length):
                return None
            end = start + int(length)
            after = self._line_at(end)
            if after is None:
                return self._take(headers, start, end, end, is_over=True)
        else:
            after = self._line_at(start)
            if after is None:
                return None
            end = after[0]
        return self._take(headers, start, end, after[1])

    def _take(self, headers: dict[str, str], start: int, end: int, upto: int, *, is_over: bool = False) -> Part:
        body = bytes(self._rest[start:end])
        if is_over:  # its end is known by its length: what follows is looked at when it comes
            self._is_begun = False
        else:
            body = body.removesuffix(b"\n").removesuffix(b"\r") if "content-length" not in headers else body
        del self._rest[:upto]
        return Part(headers.get("content-type", "").split(";")[0].strip().lower(), body)

    def _line_at(self, start: int) -> tuple[int, int] | None:
        """Where the next boundary line begins, and where what follows it begins."""
        found = re.compile(rb"-*" + re.escape(self.boundary) + rb"(?:--)?[ \t]*\r?\n").search(self._rest, start)
        return (found.start(), found.end()) if found else None


def _headers(head: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in head.decode("latin-1").splitlines())
    return {name.strip().lower(): value.strip() for name, found, value in pairs if found}


def _is_whole(body: bytes) -> bool:
    """Whether a text without a length says itself that it has ended: its root is closed, or each of its brackets.

    A sender may pause in the middle of a part, also behind a line.
    """
    text = body.strip()
    root = ROOT.match(text)
    if root is not None:
        is_alone = text.endswith(b"/>") and text.rfind(b"<") == root.start(1) - 1
        return is_alone or text.endswith(b"</" + root.group(1) + b">")
    return bool(text) and all(text.count(a) == text.count(b) for a, b in ((b"{", b"}"), (b"[", b"]")))


@dataclass
class Lines:
    """Takes chunks, gives lines that are not empty; for answers of one JSON document a line."""

    limit_bytes: int
    _rest: bytearray = field(default_factory=bytearray)

    def flush(self) -> list[Part]:
        """A line without its end is none yet."""
        return []

    def finish(self) -> list[Part]:
        """The last line as far as it came: nothing comes any more."""
        rest, self._rest = bytes(self._rest).strip(), bytearray()
        return [Part("application/json", rest)] if rest else []

    def feed(self, chunk: bytes) -> list[Part]:
        """The lines that are whole now. Raises :class:`TooLong`."""
        self._rest += chunk
        *whole, rest = bytes(self._rest).split(b"\n")
        self._rest = bytearray(rest)
        if len(rest) > self.limit_bytes or any(len(line) > self.limit_bytes for line in whole):
            raise TooLong
        return [Part("application/json", line.strip()) for line in whole if line.strip()]
