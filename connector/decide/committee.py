"""
Which roles nobody on a person's open deal has, in words: "no economic buyer". Never a percentage, which would call two
people of one kind half a committee.

What was said of somebody (a label on the deal, the buying role on the record) goes before what their title suggests.
Unknown is not no: while one of the people on the deal cannot be judged, a role is "not known", and not missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connector.agreement.terms import Persona, Role
from connector.agreement.words import fold
from connector.decide.conditions import folded
from connector.decide.personas import Personas
from connector.model import Deal, Person, Value


class Committee:
    """The roles that a deal needs, compiled."""

    def __init__(self, roles: tuple[Role, ...], personas: Personas) -> None:
        self._roles = roles
        self._by_word = {word: role.name for role in reversed(roles) for word in role.said_as}
        self._by_persona = {fold(role.name): role.name for role in roles}
        self._personas = personas

    def missing(self, person: Person, deal: Deal | None) -> str | None:
        """What to say of the people on this deal; None where nothing is missing, or nothing is asked."""
        if deal is None or not self._roles:
            return None
        people = [self._roles_of(person.fields, deal.labels)]
        people += [
            self._roles_of(each.fields, each.deals[deal.id]) for each in person.colleagues if deal.id in each.deals
        ]
        there = {role for roles in people if roles is not None for role in roles}
        known = None not in people
        said = [
            f"no {role.name}" if known else f"{role.name} not known" for role in self._roles if role.name not in there
        ]
        return ", ".join(said) or None

    def _roles_of(self, fields: Mapping[str, Value] | None, labels: tuple[str, ...]) -> frozenset[str] | None:
        """The roles of one of them; None where nobody can tell."""
        said = self._said([*labels, *_texts((fields or {}).get("buying_role"))])
        if said:
            return said
        if fields is None:
            return None
        found = self._personas.find(fields)
        return self._role_of(found.persona) if found.sure else None

    def _said(self, words: Iterable[str]) -> frozenset[str]:
        return frozenset(role for word in words if (role := self._by_word.get(folded(word))) is not None)

    def _role_of(self, persona: Persona | None) -> frozenset[str]:
        role = self._by_persona.get(folded(persona.describes.get("role", ""))) if persona else None
        return frozenset((role,)) if role else frozenset()


def _texts(value: Value) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, (tuple, list)) else ()
