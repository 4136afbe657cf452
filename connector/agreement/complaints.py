"""How a wrong mapping file is told to the person who wrote it: file, line, key, what, and what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from datetime import date, datetime
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from connector.agreement.manners import check_manners
from connector.agreement.shapes.base import CLOCK, LANGUAGE, PREFIX, ConditionShape
from connector.agreement.shapes.scoring import GroupShape, RuleShape
from connector.agreement.source import Source
from connector.errors import Problem

ShapeT = TypeVar("ShapeT", bound=BaseModel)

#: What a value should be, by what the validator found wrong with it: read as "should be ...".
_WANTED = {
    "string_type": "text in quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list in square brackets",
    "dict_type": "a table",
    "model_type": "a table in braces, such as { points = 5 }",
    "date_type": "a date such as 2026-03-31, without quotes",
    "date_from_datetime_inexact": "a date such as 2026-03-31, without a time of day",
    "datetime_type": "an instant such as 2026-03-31T12:00:00Z, without quotes",
    "timezone_aware": "an instant with its zone: 2026-03-31T12:00:00Z, or +02:00 in place of Z",
    "finite_number": "an ordinary number",
}
_BOUNDS = {
    "greater_than": "should be more than {gt:g}",
    "greater_than_equal": "should be {ge:g} or more",
    "less_than": "should be less than {lt:g}",
    "less_than_equal": "should be {le:g} or less",
    "too_short": "should have {min_length} entries or more",
    "too_long": "should have {max_length} entries or fewer",
    "string_too_short": "must not be empty",
}
_PATTERNS = {
    CLOCK: ("should be a time of day.", 'Write it as "09:00".'),
    LANGUAGE: ("should be a language.", 'Write its two letters: "en", "pl", "id".'),
    PREFIX: ("should be a name in small letters.", 'Letters, digits and _, a letter first: "cx_".'),
}

#: What people write who know rules from elsewhere, and what stands for it here.
_OPERATORS = {
    "is_any_of": ("in", "any_of", "one_of", "is_one_of", "equals_any_of"),
    "is": ("equals", "equal", "eq", "value", "=="),
    "contains_any_of": ("contains", "contains_any", "includes", "has", "starts_with", "ends_with", "like"),
    "at_least": ("min", "minimum", "more_than", "greater_than", "above", "gte", "ge", "from"),
    "at_most": ("max", "maximum", "less_than", "below", "lte", "le", "up_to"),
    "is_known": ("exists", "known", "is_set", "not_empty", "is_not_empty"),
    "is_unknown": ("unknown", "empty", "is_empty", "is_blank", "missing"),
    "unless_any_of": ("not", "is_not", "not_in", "except", "unless", "but_not", "contains_none_of"),
    "in_list": ("list", "matches_list", "list_file", "file"),
}
_PATTERN_WORDS = ("matches", "match", "regex", "regexp", "re", "pattern", "glob", "wildcard", "expression")
_NO_PATTERNS = (
    'There are no patterns or expressions here; write the words: contains_any_of = ["head of", "director"]. '
    "Whole words are found, whatever their case and accents."
)

#: What stands for a key that a file must have, so that the rest can still be looked at.
_STAND_INS: dict[str, Any] = {
    "version": "-",
    "time_zone": "UTC",
    "stages": {},
    "fields": {},
    "task_subject": "-",
    "task_body": "-",
    "task_no_name": "-",
    "weekdays": ["-"] * 7,
}

#: A mistake within a mistake within a mistake: then the rest of the file is read another time.
_ROUNDS = 6


def parse(
    shape: type[ShapeT], source: Source, problems: list[Problem], left_out: set[str] | None = None
) -> ShapeT | None:
    """The file in its shape, with every complaint about it added to `problems`.

    What is misshapen is left out (its names go to `left_out`) and the rest is kept, so that mistakes of other kinds
    are told in the same go; None where nothing can be kept.
    """
    left_out = set() if left_out is None else left_out
    left_out |= source.lost
    check_manners(shape, source, problems)
    try:
        return shape.model_validate(source.table)
    except ValidationError as error:
        details = error.errors(include_url=False)
    by_place: dict[tuple[str | int, ...], list[ErrorDetails]] = {}
    for detail in details:
        by_place.setdefault(_known_path(source.table, detail["loc"], missing=_missing(detail)), []).append(detail)
    for path, several in by_place.items():
        if not (_missing(several[0]) and path and path[-1] in source.lost) and not source.unread:
            problems.append(_problem(shape, source, path, several))
    return _kept(shape, source.table, details, left_out)


def _missing(detail: ErrorDetails) -> bool:
    return detail["type"] == "missing"


def _kept(
    shape: type[ShapeT], table: Mapping[str, Any], details: Iterable[ErrorDetails], left_out: set[str]
) -> ShapeT | None:
    """What is left when the misshapen parts are taken out, with something in place of what must be there."""
    rest: Any = deepcopy(dict(table))
    for _ in range(_ROUNDS):
        for detail in details:
            if _missing(detail) and len(detail["loc"]) == 1 and detail["loc"][0] in _STAND_INS:
                rest[detail["loc"][0]] = deepcopy(_STAND_INS[str(detail["loc"][0])])
                left_out.add(str(detail["loc"][0]))
            path = _known_path(rest, detail["loc"], missing=False)
            left_out |= _names_lost(shape, path)
            _take_out(rest, path)
        try:
            return shape.model_validate(rest)
        except ValidationError as error:
            details = error.errors(include_url=False)
    return None


def _names_lost(shape: type[BaseModel], path: tuple[str | int, ...]) -> set[str]:
    """What goes with a part that is taken out: its name, where the writer chose it, and the table that lacks it."""
    names = [step for step in path if isinstance(step, str)]
    model = _model_at(shape, path) if names else None
    lost = {".".join(names[:-1])} - {""}
    return lost if not names or (model is not None and names[-1] in _fields(model)) else lost | {names[-1]}


def _take_out(table: Any, path: tuple[str | int, ...]) -> None:
    if not path:
        return
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


def _problem(
    shape: type[BaseModel], source: Source, path: tuple[str | int, ...], several: list[ErrorDetails]
) -> Problem:
    """One complaint about one place, however many ways of reading it were tried."""
    detail, name = several[0], str(path[-1]) if path else ""
    if detail["type"] == "extra_forbidden":
        return source.problem(path, f'unknown key "{name}".', _fix_for_unknown(name, _model_at(shape, path)))
    if detail["type"] == "model_type" and not isinstance(detail["input"], dict):
        model = _model_at(shape, path)
        beside = list(_fields(model)) if model else []
        if model and name not in beside and _is_rows(model):
            return source.problem(path, f'unknown key "{name}", or a rule without braces.', did_you_mean(name, beside))
    if detail["type"] == "missing":
        return source.problem(path, "is missing.", f"Add it: {name} = ...")
    what, fix = _misfit(several)
    return source.problem(path, what, fix)


def _fix_for_unknown(name: str, model: type[BaseModel] | None) -> str:
    """What to write in place of a key that does not exist."""
    known = list(_fields(model)) if model else []
    if model is not None and issubclass(model, ConditionShape):
        if name.lower() in _PATTERN_WORDS:
            return _NO_PATTERNS
        for operator, others in _OPERATORS.items():
            if name.lower() in others:
                return f'Did you mean "{operator}"?'
    return did_you_mean(name, known)


def wanted(kind: str, said: str) -> str:
    """What should stand where the validator complains of this kind of mistake, outside a mapping file's own shape."""
    if kind == "string_too_short":
        return "must not be empty."
    return f"should be {_WANTED[kind]}." if kind in _WANTED else f"{said[:1].lower()}{said[1:]}."


def _misfit(several: list[ErrorDetails]) -> tuple[str, str]:
    """What a value should be, and how to write it."""
    detail = several[0]
    kind, found, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "literal_error":
        return _choice(str(context["expected"]), found)
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(str(context["pattern"]), ("is not written as it should be.", ""))
    if kind in _BOUNDS:
        return f"{_BOUNDS[kind].format(**context)}.", ""
    fitting = list(dict.fromkeys(_WANTED[each["type"]] for each in several if each["type"] in _WANTED))
    if "a number" in fitting and "a whole number" in fitting:
        fitting.remove("a whole number")
    if not fitting:
        return f"{detail['msg'][:1].lower()}{detail['msg'][1:]}.", ""
    return f"should be {' or '.join(fitting)}, not {_called(found)}.", _how_to_write(
        found, {each["type"] for each in several}
    )


def _choice(expected: str, found: object) -> tuple[str, str]:
    if expected == "True":
        return "can only be true.", "Remove it where it is not wanted."
    options = re.findall(r"'([^']*)'", expected)
    near = difflib.get_close_matches(found, options, n=1, cutoff=0.6) if isinstance(found, str) else []
    return f"should be {expected.replace(chr(39), chr(34))}.", f'Did you mean "{near[0]}"?' if near else ""


def _called(found: object) -> str:
    """What somebody wrote, in one or two words."""
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, (int, float)):
        return f"{found:g}" if abs(found) < 1e15 else "a number as large as that"
    if isinstance(found, (date, datetime)):
        return "a date"
    names: dict[type, str] = {str: "text", list: "a list", dict: "a table"}
    return names.get(type(found), "a time of day")


def _how_to_write(found: object, kinds: set[str]) -> str:
    """A word on how to write it, where what was meant is plain."""
    unquoted = {"float_type", "int_type", "bool_type", "date_type", "datetime_type"}
    if isinstance(found, str) and kinds <= unquoted and re.fullmatch(r"[\d.:TZ+-]+|true|false", found):
        return "Remove the quotes."
    if kinds == {"string_type"} and isinstance(found, (int, float, date)):
        return "Put quotes around it."
    if kinds == {"list_type"} and isinstance(found, str):
        return f'Write ["{found}"].' if len(found) < 40 else "Put square brackets around it."
    return ""


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


def _model_at(shape: Any, path: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The shape of the table in which the last key of a path stands."""
    root = _model(shape)
    if root is not None and "root" in root.model_fields:
        shape = root.model_fields["root"].annotation
    for step in path[:-1]:
        if isinstance(step, int):
            shape = _item(shape)
            continue
        fields = _fields(shape)
        shape = fields[step] if step in fields else _inner(shape)
    return _model(shape)


def _is_rows(model: type[BaseModel]) -> bool:
    """Whether a table holds rules beside keys of its own, so that an unknown key may be a rule."""
    return model.model_config.get("extra") == "allow"


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


def _item(shape: Any) -> Any:
    """What a list holds."""
    if getattr(shape, "__origin__", None) is list:
        return get_args(shape)[0]
    return next((found for part in get_args(shape) if (found := _item(part)) is not None), None)


def _model(shape: Any) -> type[BaseModel] | None:
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        return shape
    return next((found for part in get_args(shape) if (found := _model(part))), None) if _plain(shape) else None


def _plain(shape: Any) -> bool:
    """Optional and annotated shapes are looked through; dicts and lists are not."""
    return getattr(shape, "__origin__", None) not in (dict, list)
