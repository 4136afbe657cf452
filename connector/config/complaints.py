"""
What is wrong with a configuration, in sentences for the person who can mend it.

pydantic finds what does not fit; here each finding becomes one complaint that says what is wrong and what to write
instead. The values that were found are not repeated, except short words where a known word belongs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from connector.config.shape import known_keys
from connector.config.values import BadValueError
from connector.errors import Problem
from connector.toml_file import KeyPath, TomlFile

#: pydantic's name of a mistake -> what is wrong, what to do; {braces} are filled from the finding's own numbers.
_SENTENCES: Mapping[str, tuple[str, str]] = {
    "missing": ("is missing.", "Add it; config.example.toml shows how."),
    "int_type": ("is not a whole number.", "Write it without quotes and without a fraction."),
    "float_type": ("is not a number.", "Write it without quotes, such as 0.5."),
    "bool_type": ("is neither true nor false.", "Write true or false, without quotes."),
    "string_type": ("is not text.", "Put it in quotes."),
    "string_too_short": ("is empty.", "Give it a value, or remove the key."),
    "dataclass_type": ("is not a table.", "Write {{ key = value, ... }} or a [table] of its own."),
    "dict_type": ("is not a table.", "Write {{ key = value, ... }} or a [table] of its own."),
    "mapping_type": ("is not a table.", "Write {{ key = value, ... }} or a [table] of its own."),
    "greater_than": ("is too small.", "Write a number above {gt}."),
    "greater_than_equal": ("is too small.", "Write {ge} or more."),
    "less_than_equal": ("is too large.", "Write {le} or less."),
}

_PATTERNS: Mapping[str, str] = {
    "language": 'Write two small letters, such as "en".',
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """One mistake: the key it is about (or the environment variable), what is wrong and what to do."""

    path: KeyPath
    what: str
    fix: str
    variable: str = ""


def complaints_of(error: ValidationError) -> Iterator[Complaint]:
    """Everything that pydantic found, in our words."""
    for finding in error.errors(include_url=False):
        yield _complaint(finding, tuple(str(key) for key in finding["loc"]))


def problems(complaints: Iterable[Complaint], file: TomlFile, sources: Mapping[KeyPath, str]) -> list[Problem]:
    """Give each complaint its place, those of the file first, in the order of its lines; each said once."""
    placed = [(_variable(each, sources), file.line(each.path), each) for each in complaints]
    placed.sort(key=lambda one: (one[0], one[1]))
    told = [
        Problem(f"environment variable {variable}" if variable else file.place(each.path), each.what, each.fix)
        for variable, _, each in placed
    ]
    return list(dict.fromkeys(told))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint at the known word that this one nearly is, or nothing."""
    close = get_close_matches(word, tuple(known), n=1)
    return f'Did you mean "{close[0]}"?' if close else ""


def _variable(complaint: Complaint, sources: Mapping[KeyPath, str]) -> str:
    """The environment variable whose value the complaint is about, if it is about one."""
    paths = (complaint.path[:n] for n in range(len(complaint.path), 0, -1))
    return complaint.variable or next((sources[path] for path in paths if path in sources), "")


def _complaint(finding: ErrorDetails, path: KeyPath) -> Complaint:
    kind, context = finding["type"], finding.get("ctx", {})
    if kind == "value_error" and isinstance(context["error"], BadValueError):
        return Complaint(path, context["error"].what, context["error"].fix)
    if kind == "unexpected_keyword_argument":
        return _unknown_key(path)
    if kind == "literal_error":
        return _unknown_word(path, finding["input"], context["expected"])
    if kind == "string_pattern_mismatch":
        return Complaint(path, "is not understood.", _PATTERNS[path[-1]])
    what, fix = _SENTENCES.get(kind, (f"cannot be used ({kind}).", "See config.example.toml."))
    return Complaint(path, what, fix.format_map(context))


def _unknown_key(path: KeyPath) -> Complaint:
    known = known_keys(path[:-1])
    return Complaint(path, "is an unknown key.", did_you_mean(path[-1], known) or f"Known are: {', '.join(known)}.")


def _unknown_word(path: KeyPath, word: Any, expected: str) -> Complaint:
    known = expected.replace("'", "").replace(" or ", ", ").split(", ")
    quoted = f'"{word}" is unknown.' if isinstance(word, str) and len(word) <= 12 else "is unknown."
    hint = did_you_mean(str(word), known)
    return Complaint(path, quoted, hint or f"Write one of: {', '.join(known)}.")
