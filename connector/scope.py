"""
Whom a connection may write to at all, and whom never.

`scope` narrows the people a connection speaks about (all of its fields must match), `never_touch` takes some out (any
match suffices). Both are asked on every run: who leaves the scope is no longer written. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from connector.agreement.terms import Condition
from connector.decide.conditions import Values, compile_condition, email_domain
from connector.model import Person, Value

IN_LIST = "_in_list"

#: Words a person would use in a configuration -> our fields.
_ALIASES = {"owner": "owner_id"}

Lists = Callable[[str], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Scope:
    """The two questions, compiled; `fields` are those that must be read for them."""

    wanted: tuple[Callable[[Values], bool | None], ...] = ()
    never: tuple[Callable[[Values], bool | None], ...] = ()
    fields: frozenset[str] = frozenset()
    meaning: str = ""  # the same text for the same scope: another one is a reason to look at everybody again

    def admits(self, person: Person) -> bool:
        """Whether this person may be written to. An unknown field matches nothing."""
        if not self.wanted and not self.never:
            return True
        values = _values(person)
        return all(test(values) for test in self.wanted) and not any(test(values) for test in self.never)


def compile_scope(wanted: Mapping[str, tuple[str, ...]], never: Mapping[str, tuple[str, ...]], lists: Lists) -> Scope:
    """The scope behind a connection's `scope` and `never_touch`; `lists` gives a named list's entries."""
    names = [name.removesuffix(IN_LIST) for name in (*wanted, *never)]
    needed = {"email" if name == "email_domain" else _ALIASES.get(name, name) for name in names}
    meaning = repr((sorted(wanted.items()), sorted(never.items()))) if wanted or never else ""
    return Scope(_tests(wanted, lists), _tests(never, lists), frozenset(needed), meaning)


def _tests(table: Mapping[str, tuple[str, ...]], lists: Lists) -> tuple[Callable[[Values], bool | None], ...]:
    return tuple(compile_condition(_condition(name, values, lists)) for name, values in table.items())


def _condition(name: str, values: tuple[str, ...], lists: Lists) -> Condition:
    field = name.removesuffix(IN_LIST)
    field = _ALIASES.get(field, field)
    if name.endswith(IN_LIST):
        return Condition(field, "in_list", entries=frozenset().union(*(lists(one) for one in values)))
    return Condition(field, "is_any_of", values)


def _values(person: Person) -> dict[str, Value]:
    values = dict(person.fields)
    values["stage"] = person.stage
    domain = email_domain(values.get("email"))
    if domain is not None:
        values.setdefault("email_domain", domain)
    return values
