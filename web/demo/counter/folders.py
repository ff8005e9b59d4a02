"""The exchange: four folders, and the rule that a file is there whole or not at all."""

import os
from dataclasses import dataclass
from pathlib import Path

PART = ".part-"


@dataclass(frozen=True)
class Exchange:
    """``out`` holds what firms send, ``in`` what they get; ``done`` and ``failed`` what was taken of the former."""

    root: Path

    @property
    def outbox(self) -> Path:
        return self.root / "out"

    @property
    def inbox(self) -> Path:
        return self.root / "in"

    def make(self) -> None:
        for name in ("out", "in", "done", "failed"):
            (self.root / name).mkdir(parents=True, exist_ok=True)

    def waiting(self) -> list[Path]:
        """What firms sent, oldest first; what is still being written is not there yet."""
        return sorted(
            (path for path in self.outbox.iterdir() if path.is_file() and not path.name.startswith(".")),
            key=lambda path: (path.stat().st_mtime_ns, path.name),
        )

    def put(self, folder: Path, name: str, raw: bytes) -> None:
        """Let a file appear whole. Raises OSError and leaves nothing behind."""
        draft = folder / f"{PART}{name}"
        try:
            with draft.open("wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(folder / name)
        except OSError:
            draft.unlink(missing_ok=True)
            raise

    def move(self, path: Path, folder: str) -> None:
        """Put a taken message aside; one of the same name from before gives way."""
        path.replace(self.root / folder / path.name)
