"""
Where the tokens of an OAuth app are kept: the refresh token in its own file, access tokens beside it.

Both files are for their owner alone (0600) and replaced as a whole; a lock beside them lets one process renew at a
time. A refresh token from the environment cannot be stored: then everything is kept in this process only.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


class InMemory:
    """Tokens of this process, beginning with a refresh token from the environment."""

    def __init__(self, first: Callable[[], str]) -> None:
        self._first = first
        self._rotated: dict[str, str] = {}  # the first one -> the one it became
        self._access: dict[str, Any] = {}

    @contextmanager
    def turn(self) -> Iterator[None]:
        """See Keeper. The token's own lock keeps the threads apart."""
        yield

    def refresh_token(self) -> str:
        """See Keeper. Another one in the environment goes before the one that was handed out."""
        first = self._first()
        return self._rotated.get(first, first)

    def keep_refresh_token(self, token: str) -> bool:
        """See Keeper."""
        self._rotated = {self._first(): token}
        return False

    def access(self) -> dict[str, Any]:
        """See Keeper."""
        return self._access

    def keep_access(self, access: dict[str, Any]) -> None:
        """See Keeper."""
        self._access = access


class InFiles:
    """Tokens in the file of the refresh token, and in FILE.access beside it. Where the folder cannot be written (a
    mounted secret), what is handed out stays in this process."""

    def __init__(self, path: Path, first: Callable[[], str]) -> None:
        self._path, self._first = path, first
        self._memory = InMemory(first)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """See Keeper."""
        try:
            handle = os.open(_beside(self._path, ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        except OSError:
            yield
            return
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def refresh_token(self) -> str:
        """See Keeper."""
        return self._memory.refresh_token()

    def keep_refresh_token(self, token: str) -> bool:
        """See Keeper."""
        try:
            _replace(self._path, token + "\n")
        except OSError:
            return self._memory.keep_refresh_token(token)
        return True

    def access(self) -> dict[str, Any]:
        """See Keeper. One that was made from another refresh token is not ours."""
        try:
            kept = json.loads(_beside(self._path, ".access").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            kept = {}
        if not isinstance(kept, dict) or kept.get("of") != self._of():
            return self._memory.access()
        return kept

    def keep_access(self, access: dict[str, Any]) -> None:
        """See Keeper."""
        self._memory.keep_access(access)
        with suppress(OSError):  # others renew for themselves
            _replace(_beside(self._path, ".access"), json.dumps({**access, "of": self._of()}))

    def _of(self) -> str:
        return hashlib.sha256(self.refresh_token().encode()).hexdigest()


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _replace(path: Path, text: str) -> None:
    """The whole new text or the whole old one, whatever happens meanwhile; nobody else may read it."""
    path = path.resolve()  # a link stays a link
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600 from the first moment
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
