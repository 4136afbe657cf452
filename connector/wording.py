"""How numbers stand in sentences that people read."""

from __future__ import annotations


def number(value: float) -> str:
    """A number as people write it: 10,000,000, 0.5, -20."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.10g}"


def counted(value: float, one: str, several: str = "") -> str:
    """A number of things, and what they do: 1 day, 30 days; 1 person waits, 2 people wait."""
    return f"{number(value)} {one if value == 1 else several or one + 's'}"


def people(value: int) -> str:
    """1 person, 2,000 people."""
    return counted(value, "person", "people")
