"""Changing the files of an agreement on disk: each in one step, all of them or none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from connector.agreement.source import shown
from connector.errors import ConfigError, Problem

#: Files of the folder that say nothing about the rules.
_BESIDE = ("approvals.toml",)


def agreement_files(folder: Path) -> list[Path]:
    """What an agreement is made of: its TOML files and lists, but not the signatures under it."""
    return [
        *(path for path in sorted(folder.glob("*.toml")) if path.name not in _BESIDE),
        *sorted((folder / "lists").glob("*.txt")),
    ]


def replace_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Give files of a folder another content: everybody may read them, links stay links, and where one cannot be
    written, none is changed. Raises ConfigError."""
    targets = {name: (folder / name).resolve() for name in contents}
    unfinished: dict[str, Path] = {}
    before: dict[str, bytes | None] = {}
    name = ""
    try:
        for name, content in contents.items():
            unfinished[name] = targets[name].with_name(f".{targets[name].name}.{os.getpid()}.part")
            _write(unfinished[name], content, mode=_mode(targets[name]))
            before[name] = targets[name].read_bytes() if targets[name].exists() else None
        for name, part in unfinished.items():
            part.replace(targets[name])
    except OSError as error:
        _undo(targets, unfinished, before)
        raise unwritable(f"{shown(folder)}/{name}", error) from error
    except BaseException:  # stopped by hand: half a change of rules is none that anybody agreed to
        _undo(targets, unfinished, before)
        raise


def _mode(target: Path) -> int:
    return target.stat().st_mode & 0o777 if target.exists() else 0o644


def _write(file: Path, content: bytes, *, mode: int) -> None:
    with file.open("xb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    file.chmod(mode)


def _undo(targets: Mapping[str, Path], unfinished: Mapping[str, Path], before: Mapping[str, bytes | None]) -> None:
    """Put back what was replaced already, which is what has no unfinished file any more."""
    for name, part in unfinished.items():
        content = before.get(name)
        if part.exists():
            part.unlink()
        elif name not in before:
            continue  # it was never begun
        elif content is None:
            targets[name].unlink(missing_ok=True)
        elif targets[name].read_bytes() != content:
            targets[name].write_bytes(content)


def unwritable(name: str, error: OSError) -> ConfigError:
    """What a person reads whose disk is full or whose folder is not theirs."""
    fix = "Nothing was changed. Check who may write to this folder, and whether the disk is full."
    return ConfigError([Problem(name, f"cannot be written: {error.strerror or error}.", fix)])
