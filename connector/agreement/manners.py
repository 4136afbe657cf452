"""
What no name and no text of any mapping file may be, whatever it stands for: names are plain words, texts are not
empty, and nothing in either is invisible. New keys are held to it without being told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from connector.agreement.shapes.base import MAY_BE_BLANK
from connector.agreement.source import Source
from connector.agreement.words import fold
from connector.errors import Problem

_NAME = re.compile(r"[a-z0-9][a-z0-9_]*")

#: Control characters, soft hyphens, marks of width zero and of direction: they show nowhere and match nothing.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")


def check_manners(shape: Any, source: Source, problems: list[Problem]) -> None:
    """Complain of every name and text of a file that cannot be meant."""
    _Walk(source, problems).table(shape, source.table, ())


class _Walk:
    """A walk through one file beside its shape."""

    def __init__(self, source: Source, problems: list[Problem]) -> None:
        self._source = source
        self._problems = problems

    def table(self, shape: Any, table: Mapping[str, Any], path: tuple[str | int, ...]) -> None:
        """A table: of keys that are ours, or of names that the writer chose."""
        model = _model(shape)
        ours = {} if model is None else _ours(model)
        chosen = _chosen(shape, model)
        for name, value in table.items():
            if name in ours:
                self.value(ours[name].shape, value, (*path, name), may_be_empty=ours[name].may_be_empty)
            elif chosen is not None:
                self._name(name, (*path, name), plain=_model(chosen) is not None)
                self.value(chosen, value, (*path, name))

    def value(self, shape: Any, value: Any, path: tuple[str | int, ...], *, may_be_empty: bool = False) -> None:
        """Whatever a key holds."""
        if isinstance(value, dict):
            self.table(shape, value, path)
        elif isinstance(value, list):
            inner = next(iter(get_args(shape)), None)
            for number, each in enumerate(value):
                self.value(_looked_through(inner), each, (*path, number))
        elif isinstance(value, str):
            self._text(value, path, may_be_empty=may_be_empty)

    def _name(self, name: str, path: tuple[str | int, ...], *, plain: bool) -> None:
        if _INVISIBLE.search(name) or name != name.strip() or not name:
            self._complain(path, f'the name "{_visible(name)}" has something invisible in it.', "Write it anew.")
        elif plain and not _NAME.fullmatch(name):
            better = fold(name).replace(" ", "_")
            fix = "Names are small letters, digits and _" + (f": {better}." if _NAME.fullmatch(better) else ".")
            self._complain(path, f'the name "{name}" is no plain word.', fix)

    def _text(self, text: str, path: tuple[str | int, ...], *, may_be_empty: bool) -> None:
        where = "the list" if path and isinstance(path[-1], int) else "the text"
        if not text.strip():
            if text or not may_be_empty:
                what = "holds an empty text." if where == "the list" else "is empty."
                self._complain(path, what, "Write something between the quotes, or remove it.")
        elif found := _INVISIBLE.search(text):
            what = f'"{_visible(text)[:60]}" has an invisible character in it (code {ord(found[0])}).'
            self._complain(path, what, "Write the text anew; nothing would ever match it.")
        elif text != text.strip() and "\n" not in text and not self._source.name.split("/")[-1].startswith("texts."):
            self._complain(path, f'"{text[:60]}" begins or ends with a space.', f'Write "{text.strip()[:60]}".')

    def _complain(self, path: tuple[str | int, ...], what: str, fix: str) -> None:
        self._problems.append(self._source.problem(path, what, fix))


class _Key(NamedTuple):
    """One of our own keys: what it holds, and whether that may be an empty text."""

    shape: Any
    may_be_empty: bool


@cache
def _ours(model: type[BaseModel]) -> Mapping[str, _Key]:
    """The keys of a table that are ours, as files call them."""
    return {
        field.alias or name: _Key(
            _looked_through(field.annotation), field.default == "" or MAY_BE_BLANK in field.metadata
        )
        for name, field in model.model_fields.items()
    }


def _visible(text: str) -> str:
    """A text with what does not print shown as a dot."""
    return _INVISIBLE.sub("\N{MIDDLE DOT}", text)


def _chosen(shape: Any, model: type[BaseModel] | None) -> Any:
    """What a name that the writer chose holds; None where only our own keys may stand."""
    if get_origin(shape) is dict:
        return _looked_through(get_args(shape)[1])
    if model is not None and model.model_config.get("extra") == "allow":
        return get_args(get_type_hints(model)["__pydantic_extra__"])[1]
    root = model.model_fields.get("root") if model is not None else None
    return _chosen(root.annotation, None) if root is not None else None


def _model(shape: Any) -> type[BaseModel] | None:
    return shape if isinstance(shape, type) and issubclass(shape, BaseModel) else None


def _looked_through(shape: Any) -> Any:
    """A shape without "or nothing", and of several the one that is a table or a list."""
    if get_origin(shape) in (dict, list) or isinstance(shape, type):
        return shape
    parts = [_looked_through(part) for part in get_args(shape) if part is not type(None)]
    return next(
        (part for part in parts if get_origin(part) in (dict, list) or _model(part)), parts[0] if parts else shape
    )
