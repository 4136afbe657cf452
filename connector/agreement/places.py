"""Where the keys of an agreement stand, over all of its files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from connector.agreement.source import Source, read_source, shown

#: The files whose first keys are all different; the CRM's file and write_back.toml use keys of other files.
_FILES = ("agreement", "icp", "personas", "signals", "scoring", "lifecycle", "attempts")


@dataclass(frozen=True, slots=True)
class Places:
    """From a dotted key, as the sentences have it, to its file and line."""

    folder: str = "mappings"
    sources: Mapping[str, Source] = field(default_factory=dict)  # "scoring" -> scoring.toml
    under: str = ""  # where `moved` sections stand
    moved: frozenset[str] = frozenset()

    def of(self, path: str) -> str:
        """The place for a message: "mappings/scoring.toml:12, engagement.high_intent.pricing_page"."""
        section = next((each for each in self.moved if path == each or path.startswith(f"{each}.")), None)
        path = f"{self.under}.{path}" if section else path
        file, keys = self._file(path.split("."))
        source = self.sources.get(file)
        return source.where(keys) if source else f"{self.folder}/{file}.toml, {'.'.join(keys)}"

    def within(self, under: str, sections: Collection[str]) -> Places:
        """The same places, with these sections found under another key."""
        return replace(self, under=under, moved=frozenset(sections))

    def _file(self, keys: list[str]) -> tuple[str, list[str]]:
        if len(keys) > 1 and keys[0] in self.sources and keys[0] not in _FILES:
            return keys[0], keys[1:]  # the CRM's: "NAME.signals.pricing_page"
        there = (name for name in _FILES if name in self.sources and keys[0] in self.sources[name].table)
        return next(there, _FILES[0]), keys


def read_places(folder: Path, crm: str) -> Places:
    """The places of a folder that loads; a file that cannot be read has none."""
    names = (*_FILES, "write_back", crm)
    return Places(shown(folder), {name: read_source(folder, f"{name}.toml", []) for name in names})
