"""Who somebody is: the first persona with a line that holds."""

from __future__ import annotations

from typing import NamedTuple

from connector.agreement.terms import Persona
from connector.decide.conditions import Values, compile_condition, email_domain


class Found(NamedTuple):
    """A persona, or none; `sure` unless a fact is unknown that could have made the person one."""

    persona: Persona | None
    sure: bool


class Personas:
    """The agreement's personas, compiled."""

    def __init__(self, personas: tuple[Persona, ...]) -> None:
        self._personas = [(each, tuple(map(compile_condition, each.match))) for each in personas]
        self._uses_domain = any(one.field == "email_domain" for each in personas for one in each.match)

    def find(self, values: Values) -> Found:
        """The persona of whoever has these fields."""
        if self._uses_domain and "email_domain" not in values and (domain := email_domain(values.get("email"))):
            values = {**values, "email_domain": domain}
        sure = True
        for persona, tests in self._personas:
            for test in tests:
                holds = test(values)
                if holds:
                    return Found(persona, True)
                sure = sure and holds is not None
        return Found(None, sure)
