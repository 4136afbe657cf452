"""
Frozen values that are made often and are wide.

`dataclasses` sets every field of a frozen value through `object.__setattr__`, which for the forty-odd fields of a track
costs more than all arithmetic of a score. Here a value is filled while it is still open, and then closed.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, field, fields, make_dataclass
from typing import Any, TypeVar

_T = TypeVar("_T")


def quickly_made(cls: type[_T]) -> type[_T]:
    """A frozen dataclass with slots that is made, and varied by `replace`, several times as fast. It stays frozen."""
    # The twin has the same slots in the same order, so that an object of it may become one of `cls`.
    filled: Any = cls
    open_twin: Any = make_dataclass(
        cls.__name__, [(each.name, Any, _like(each)) for each in fields(filled)], slots=True
    )
    fill, become = open_twin.__init__, object.__setattr__

    def __init__(self: Any, *args: Any, **named: Any) -> None:  # noqa: N807 - it takes the place of the dataclass's own
        become(self, "__class__", open_twin)
        fill(self, *args, **named)
        self.__class__ = cls

    __init__.__doc__, __init__.__annotations__ = filled.__init__.__doc__, filled.__init__.__annotations__
    filled.__init__ = __init__
    return cls


def _like(one: Field[Any]) -> Any:
    """What a field is when nobody says."""
    if one.default is not MISSING:
        return field(default=one.default)
    return field() if one.default_factory is MISSING else field(default_factory=one.default_factory)
