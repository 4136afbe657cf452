"""Every key that a mapping file may hold, found by walking the shapes: a key added tomorrow is walked tomorrow."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from connector.agreement.examples import ExamplesShape
from connector.agreement.load import shapes_of

#: What a name is called that the writer of a file chooses.
CHOSEN = "walked"


@dataclass(frozen=True)
class Place:
    """One table of one file: the header under which it stands, and its shape."""

    file: str
    header: tuple[str, ...]
    above: tuple[str, ...]  # the headers of several that stand around it: "[[x.then]]"
    model: type[BaseModel]

    @property
    def text(self) -> str:
        """The headers as they are written; a remark for the top of a file."""
        own = f"[{'.'.join(self.header)}]" if self.header else "# top"
        return "\n".join(self.above if f"[{own}]" in self.above else (*self.above, own))

    @property
    def line(self) -> int:
        """The line below the headers."""
        return self.text.count("\n") + 2

    def path(self, key: str) -> str:
        """How a complaint names a key of this table."""
        return ".".join((*self.header, key))


@dataclass(frozen=True)
class Walked:
    """One key of one table."""

    place: Place
    key: str
    field: FieldInfo

    @property
    def name(self) -> str:
        """How a test calls it: "scoring.toml engagement.walked.points"."""
        return f"{self.place.file} {self.place.path(self.key)}"

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of values that fit it."""
        return frozenset(_kinds(self.field.annotation))

    @property
    def is_leaf(self) -> bool:
        """Whether it holds values, and no table of a shape of its own."""
        return not list(_models(self.field.annotation))


def places() -> list[Place]:
    """Every table of every file."""
    found: list[Place] = []
    for file, shape in {**shapes_of("hubspot", "en"), "examples.toml": ExamplesShape}.items():
        found += _places(file, (), shape, above=(), seen=())
    return found


def keys() -> list[Walked]:
    """Every key of every table."""
    return [
        Walked(place, field.alias or name, field)
        for place in places()
        for name, field in place.model.model_fields.items()
        if name != "root"
    ]


def _places(
    file: str,
    header: tuple[str, ...],
    model: type[BaseModel],
    *,
    above: tuple[str, ...],
    seen: tuple[type[BaseModel], ...],
) -> Iterator[Place]:
    if model in seen:
        return
    if "root" not in model.model_fields:
        yield Place(file, header, above, model)
    inside = [
        (() if name == "root" else (field.alias or name,), field.annotation)
        for name, field in model.model_fields.items()
    ]
    extra = get_type_hints(model).get("__pydantic_extra__") if model.model_config.get("extra") == "allow" else None
    inside.append(((), extra))
    for key, annotation in inside:
        for steps, inner, several in _models(annotation):
            head = (*header, *key, *steps)
            around = (*above, f"[[{'.'.join(head)}]]") if several else above
            yield from _places(file, head, inner, above=around, seen=(*seen, model))


def _models(annotation: Any) -> Iterator[tuple[tuple[str, ...], type[BaseModel], bool]]:
    """The shapes inside an annotation, with the names on the way there and whether they stand in a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield (), annotation, False
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is dict:
        yield from (((CHOSEN, *steps), model, several) for steps, model, several in _models(arguments[1]))
    elif origin is list:
        yield from ((steps, model, True) for steps, model, _ in _models(arguments[0]))
    elif origin is Annotated:
        yield from _models(arguments[0])
    elif origin in (Union, types.UnionType):
        for each in arguments:
            yield from _models(each)


def _kinds(annotation: Any) -> Iterator[str]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in _KINDS:
        yield from _KINDS[annotation]
    elif origin is Literal:
        yield "true" if arguments == (True,) else "choice"
    elif origin in (list, dict):
        yield "list" if origin is list else "table"
    elif origin is Annotated:
        yield from _kinds(arguments[0])
    elif origin in (Union, types.UnionType):
        for each in arguments:
            yield from _kinds(each)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield "table"


_KINDS: dict[Any, tuple[str, ...]] = {
    str: ("text",),
    bool: ("true or false",),
    int: ("whole number",),
    float: ("whole number", "number"),
    date: ("date",),
    datetime: ("instant",),
    AwareDatetime: ("instant",),
}
