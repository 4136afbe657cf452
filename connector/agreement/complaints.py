"""How a wrong mapping file is told to the person who wrote it: file, line, key, what, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from connector.agreement.shapes.scoring import GroupShape, RuleShape
from connector.agreement.source import Source
from connector.errors import Problem

ShapeT = TypeVar("ShapeT", bound=BaseModel)

_WANTED = {
    "string_type": "should be text in quotes.",
    "int_type": "should be a whole number.",
    "int_from_float": "should be a whole number.",
    "float_type": "should be a number.",
    "bool_type": "should be true or false.",
    "list_type": "should be a list in square brackets.",
    "dict_type": "should be a table.",
    "model_type": "should be a table in braces, such as { points = 5 }.",
    "date_type": "should be a date such as 2026-03-31, without quotes.",
    "datetime_type": "should be an instant such as 2026-03-31T12:00:00Z, without quotes.",
    "timezone_aware": "should be an instant with its zone, such as 2026-03-31T12:00:00Z.",
    "string_too_short": "must not be empty.",
    "string_pattern_mismatch": "should be a time of day such as 09:00.",
}


#: A mistake within a mistake within a mistake: then the rest of the file is read another time.
_ROUNDS = 4


def parse(
    shape: type[ShapeT], source: Source, problems: list[Problem], left_out: set[str] | None = None
) -> ShapeT | None:
    """The file in its shape, with every complaint about it added to `problems`.

    What is misshapen is left out (its names go to `left_out`) and the rest is kept, so that mistakes of other kinds
    are told in the same go; None where nothing can be kept.
    """
    try:
        return shape.model_validate(source.table)
    except ValidationError as error:
        details = error.errors(include_url=False)
    told: set[str] = set()
    for detail in details:
        problem = _problem(shape, source, detail)
        if problem.where not in told:  # a union complains once per type it tried
            told.add(problem.where)
            problems.append(problem)
    return _kept(shape, source.table, details, set() if left_out is None else left_out)


def _kept(
    shape: type[ShapeT], table: Mapping[str, Any], details: Iterable[ErrorDetails], left_out: set[str]
) -> ShapeT | None:
    """What is left when the misshapen parts are taken out."""
    rest: Any = deepcopy(dict(table))
    for _ in range(_ROUNDS):
        for detail in details:
            _take_out(rest, _known_path(rest, detail["loc"], missing=False), left_out)
        try:
            return shape.model_validate(rest)
        except ValidationError as error:
            details = error.errors(include_url=False)
    return None


def _take_out(table: Any, path: tuple[str | int, ...], left_out: set[str]) -> None:
    if not path:
        return
    left_out.update(step for step in path if isinstance(step, str))
    holder = _value(table, path[:-1])
    if isinstance(holder, dict):
        holder.pop(path[-1], None)
    elif isinstance(holder, list) and isinstance(path[-1], int) and path[-1] < len(holder):
        holder.pop(path[-1])


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The nearest known name as a question, or the names to choose from."""
    names = sorted(set(known))
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f'Did you mean "{near[0]}"?'
    if 0 < len(names) <= 12:
        return f"Known are: {', '.join(names)}."
    return "Remove it or check its spelling."


def _problem(shape: type[BaseModel], source: Source, detail: ErrorDetails) -> Problem:
    path = _known_path(source.table, detail["loc"], missing=detail["type"] == "missing")
    name = str(path[-1]) if path else ""
    siblings = _keys_beside(shape, path)
    if detail["type"] == "extra_forbidden":
        return source.problem(path, f'unknown key "{name}".', did_you_mean(name, siblings))
    if detail["type"] == "model_type" and not isinstance(_value(source.table, path), dict):
        fix = did_you_mean(name, siblings) if siblings else ""
        return source.problem(path, f'unknown key "{name}", or a rule without braces.', fix or _WANTED["model_type"])
    if detail["type"] == "missing":
        return source.problem(path, "is missing.", "Add it.")
    return source.problem(path, wanted(detail["type"], detail["msg"]))


def wanted(kind: str, said: str) -> str:
    """What should stand where pydantic complains of this kind of mistake."""
    return _WANTED.get(kind, f"{said[:1].lower()}{said[1:]}.")


def _known_path(table: Any, loc: Iterable[str | int], *, missing: bool) -> tuple[str | int, ...]:
    """The part of pydantic's location that is really in the file: its union branches are not."""
    path: list[str | int] = []
    steps = list(loc)
    for position, step in enumerate(steps):
        inside = isinstance(table, dict) and step in table
        if inside or (isinstance(table, list) and isinstance(step, int)):
            path.append(step)
            table = table[step]
        elif missing and position == len(steps) - 1:
            path.append(step)
    return tuple(path)


def _value(table: Any, path: Iterable[str | int]) -> Any:
    for step in path:
        table = table[step]
    return table


def _keys_beside(shape: Any, path: tuple[str | int, ...]) -> list[str]:
    """The keys our shapes know at the place where the last key of a path stands."""
    for step in path[:-1]:
        fields = _fields(shape)
        if isinstance(step, int):
            continue
        shape = fields[step] if step in fields else _inner(shape)
    return list(_fields(shape))


def _fields(shape: Any) -> Mapping[str, Any]:
    model = _model(shape)
    if model is None:
        return {}
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _inner(shape: Any) -> Any:
    """What a name chosen by the writer holds: a rule in a group, or the value type of a dict."""
    if _model(shape) is GroupShape:
        return RuleShape
    arguments = get_args(shape)
    return arguments[-1] if arguments else None


def _model(shape: Any) -> type[BaseModel] | None:
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        return shape
    return next((found for part in get_args(shape) if (found := _model(part))), None) if _plain(shape) else None


def _plain(shape: Any) -> bool:
    """Optional and annotated shapes are looked through; dicts are not."""
    return getattr(shape, "__origin__", None) is not dict
