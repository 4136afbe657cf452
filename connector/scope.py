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

#: The word for a list (segment) of the CRM, and the field that stands for its members.
LIST, RECORD = "list", "record_id"

#: Words a person would use in a configuration -> our fields.
_ALIASES = {"owner": "owner_id", "team": "owner_id", LIST: RECORD}

Lists = Callable[[str], frozenset[str]]


def _nobody(_name: str) -> frozenset[str]:
    return frozenset()


@dataclass(frozen=True, slots=True)
class Scope:
    """The two questions, compiled; `fields` are those that must be read for them."""

    wanted: tuple[Callable[[Values], bool | None], ...] = ()
    never: tuple[Callable[[Values], bool | None], ...] = ()
    fields: frozenset[str] = frozenset()
    members: frozenset[tuple[str, str]] = frozenset()  # (list, contact) of the CRM's lists that are asked about
    meaning: str = ""  # the same text for the same scope: another one is a reason to look at everybody again

    def admits(self, person: Person) -> bool:
        """Whether this person may be written to. An unknown field matches nothing."""
        if not self.wanted and not self.never:
            return True
        values = _values(person)
        return all(test(values) for test in self.wanted) and not any(test(values) for test in self.never)


def compile_scope(
    wanted: Mapping[str, tuple[str, ...]],
    never: Mapping[str, tuple[str, ...]],
    lists: Lists,
    *,
    of_team: Lists = _nobody,
    of_list: Lists = _nobody,
) -> Scope:
    """The scope behind a connection's `scope` and `never_touch`.

    `lists` gives the entries of a list file; `of_team` the owner ids of a team and `of_list` the members of a list of
    the CRM, both known only once the account is open.
    """
    rows = [*wanted.items(), *never.items()]
    names = [name.removesuffix(IN_LIST) for name, _ in rows if name != LIST]
    needed = {"email" if name == "email_domain" else _ALIASES.get(name, name) for name in names}
    asked = {"team": of_team, LIST: of_list}

    def tests(table: Mapping[str, tuple[str, ...]]) -> tuple[Callable[[Values], bool | None], ...]:
        return tuple(compile_condition(_condition(name, values, lists, asked)) for name, values in table.items())

    asked_about = {one for name, values in rows if name == LIST for one in values}
    members = frozenset((one, id) for one in asked_about for id in of_list(one))
    return Scope(tests(wanted), tests(never), frozenset(needed), members, _meaning(wanted, never, asked))


def _meaning(
    wanted: Mapping[str, tuple[str, ...]], never: Mapping[str, tuple[str, ...]], asked: Mapping[str, Lists]
) -> str:
    """The same text for the same scope: a team that somebody joined is another one."""
    if not wanted and not never:
        return ""
    teams = [sorted(asked["team"](one)) for table in (wanted, never) for one in table.get("team", ())]
    return repr((sorted(wanted.items()), sorted(never.items()), teams))


def _condition(name: str, values: tuple[str, ...], lists: Lists, asked: Mapping[str, Lists]) -> Condition:
    field = name.removesuffix(IN_LIST)
    field = _ALIASES.get(field, field)
    if name.endswith(IN_LIST):
        return Condition(field, "in_list", entries=frozenset().union(*(lists(one) for one in values)))
    if name in asked:
        return Condition(field, "is_any_of", tuple(sorted(frozenset().union(*(asked[name](one) for one in values)))))
    return Condition(field, "is_any_of", values)


def _values(person: Person) -> dict[str, Value]:
    values = dict(person.fields)
    values["stage"] = person.stage
    values[RECORD] = person.id
    domain = email_domain(values.get("email"))
    if domain is not None:
        values.setdefault("email_domain", domain)
    return values
