"""Values that are quickly made are what a frozen dataclass is."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace

import pytest

from connector.frozen import quickly_made
from connector.model import Decision, Track


@quickly_made
@dataclass(frozen=True, slots=True)
class Wide:
    """Something with a field of every kind."""

    name: str
    number: int = 1
    many: list[str] = field(default_factory=list)


def test_a_value_is_made_from_places_names_and_defaults() -> None:
    """As of any dataclass; what is made by default is nobody else's."""
    made = Wide("a", many=["b"])

    assert (made.name, made.number, made.many) == ("a", 1, ["b"])
    assert Wide("a").many is not Wide("a").many


def test_a_value_stays_frozen() -> None:
    """Nobody changes one, adds to one or takes from one, whichever way it was made."""
    for made in (Wide("a"), replace(Wide("a"), number=2), pickle.loads(pickle.dumps(Wide("a")))):
        with pytest.raises(FrozenInstanceError):
            made.name = "b"  # type: ignore[misc]
        with pytest.raises((FrozenInstanceError, TypeError, AttributeError)):
            made.other = "b"  # type: ignore[attr-defined]
        assert type(made) is Wide


@pytest.mark.parametrize("cls", [Track, Decision])
def test_a_wrong_name_or_too_few_fields_are_refused(cls: type) -> None:
    """A mistake in the code is an error, and makes nothing."""
    with pytest.raises(TypeError):
        cls()
    with pytest.raises(TypeError):
        replace(Track("a", "b"), stagee="mql")  # type: ignore[call-arg]


def test_equal_values_are_equal_and_varied_ones_are_not() -> None:
    """`replace` changes what was named, and nothing else."""
    track = Track("a", "b", stage="mql", owners=("7",))
    varied = replace(track, stage="sal")

    assert track == Track("a", "b", stage="mql", owners=("7",))
    assert [each.name for each in fields(Track) if getattr(track, each.name) != getattr(varied, each.name)] == ["stage"]
