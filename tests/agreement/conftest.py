"""A copy of the shipped agreement that a test may spoil."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from connector.agreement import Agreement, load_agreement
from connector.errors import ConfigError

SHIPPED = Path(__file__).parents[2] / "mappings"


@dataclass(frozen=True)
class Folder:
    """An agreement's folder on disk."""

    path: Path

    def change(self, file: str, old: str, new: str) -> None:
        """Replace a text that must be there."""
        text = (self.path / file).read_text(encoding="utf-8")
        assert old in text
        (self.path / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    def add(self, file: str, text: str) -> None:
        """Append to a file."""
        with (self.path / file).open("a", encoding="utf-8") as handle:
            handle.write(text)

    def line(self, file: str, text: str) -> int:
        """The line on which a text first stands."""
        lines = (self.path / file).read_text(encoding="utf-8").splitlines()
        return next(number for number, line in enumerate(lines, 1) if text in line)

    def load(self) -> Agreement:
        """Load it."""
        return load_agreement(self.path)

    def problems(self) -> list[str]:
        """What loading it complains of."""
        with pytest.raises(ConfigError) as caught:
            self.load()
        return [str(problem) for problem in caught.value.problems]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """The shipped agreement, copied."""
    return Folder(Path(shutil.copytree(SHIPPED, tmp_path / "mappings")))
