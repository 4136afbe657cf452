"""Files that verbs leave behind: for their owner only, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from connector.errors import ConfigError, Problem


def keep(file: Path, content: bytes | Iterable[bytes], *, what: str, option: str) -> None:
    """Write a file with mode 0600 in one step. Raises ConfigError where it cannot be written."""
    unfinished = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.writelines((content,) if isinstance(content, bytes) else content)
        unfinished.replace(file)
    except OSError as error:
        said = f"{what} cannot be written: {error.strerror or error}."
        raise ConfigError([Problem(str(file), said, f"Choose another place with {option}.")]) from error
    finally:
        with suppress(OSError):  # it is there only where it did not become the file
            unfinished.unlink()


def writable(file: Path, *, option: str) -> None:
    """Fail before an hour of reading rather than after it. Raises ConfigError."""
    if file.is_dir() or not file.parent.is_dir() or not os.access(file.parent, os.W_OK):
        what = "is a folder." if file.is_dir() else "cannot be written: its folder is missing or read-only."
        raise ConfigError([Problem(str(file), what, f"Choose another place with {option}.")])
