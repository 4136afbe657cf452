"""
What a switch is, whichever CRM it belongs to: one field of a frozen dataclass, with the sentence that tells it.

Values may be texts of a command line, values of JSON or plain Python; all come out as the type of the default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields, replace
from math import inf
from typing import Any, Self


def switch(default: Any, says: str, *choices: str, least: float = 0, most: float = inf) -> Any:
    """The field of a switch: what it is unless turned, what it means, and what it may be."""
    return field(default=default, metadata={"says": says, "choices": choices, "least": least, "most": most})


@dataclass(frozen=True, slots=True)
class Turnable:
    """A set of switches."""

    def as_json(self) -> dict[str, Any]:
        """Every switch as it is turned."""
        return asdict(self)

    def turned(self, wanted: Mapping[str, Any]) -> Self:
        """A copy with some switches turned. Values may be text; raises ValueError naming a bad one."""
        known = {one.name: one for one in fields(self)}
        if unknown := sorted(set(wanted) - set(known)):
            raise ValueError(f"unknown switch {unknown[0]!r}; there are {', '.join(known)}")
        turned: dict[str, Any] = {name: _fitting(known[name], value) for name, value in wanted.items()}
        return replace(self, **turned)


def _fitting(switch: Field[Any], value: Any) -> object:
    """`value` as the type of the switch's default, so that "true" and "150" from a command line work."""
    name, default, choices = switch.name, switch.default, switch.metadata["choices"]
    if isinstance(default, bool):
        if str(value).lower() not in ("true", "false"):
            raise ValueError(f"switch {name!r} is true or false, not {value!r}")
        return str(value).lower() == "true"
    if isinstance(default, int | float):
        return _number(switch, type(default), value)
    if isinstance(default, tuple):
        parts = tuple(filter(None, value.split(",")) if isinstance(value, str) else value)
        if wrong := [part for part in parts if part not in choices]:
            raise ValueError(f"switch {name!r} names some of {', '.join(choices)}, not {wrong[0]!r}")
        return parts
    if value not in choices:
        raise ValueError(f"switch {name!r} is one of {', '.join(choices)}, not {value!r}")
    return value


def _number(switch: Field[Any], type_: type[int | float], value: Any) -> float:
    least, most = switch.metadata["least"], switch.metadata["most"]
    try:
        number = type_(value)
    except (TypeError, ValueError):
        raise ValueError(f"switch {switch.name!r} is a number, not {value!r}") from None
    if not least <= number <= most:
        raise ValueError(
            f"switch {switch.name!r} is {least} or more{f', up to {most}' if most < inf else ''}, not {value}"
        )
    return number
