"""
What the application user may do: every right that reading, writing and tasks need, proved against its security roles.

Which rights its roles grant, RetrieveUserPrivileges says; how a right is called, the table says. A missing Read is
proved by a harmless look before anybody is told, since rights can come in other ways than those that are listed.
Sources: the pages of RetrieveUserPrivileges and SecurityPrivilegeMetadata of Microsoft's documentation; "Use change
tracking to synchronize data" for the depth that it needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from connector.crm import Finding
from connector.crm.dynamics.api import Call
from connector.crm.dynamics.environment import Environment
from connector.crm.dynamics.metadata import CRM, Fact
from connector.crm.dynamics.names import CONTACT, LEAD, SCORES, TABLES, TASK
from connector.crm.dynamics.plainly import plainly
from connector.crm.dynamics.refusals import Refused
from connector.errors import Denied, NotFound

USERS = "systemuser"

#: What is written, and with which rights: people, and tasks that hang on them and belong to their owner.
_WRITTEN: tuple[tuple[str, tuple[str, ...]], ...] = (
    (CONTACT.name, ("Write", "AppendTo")),
    (LEAD.name, ("Write", "AppendTo")),
    (TASK.name, ("Create", "Append", "Assign")),
)

_WHERE = "in the Power Platform admin center, under security roles"


@dataclass(frozen=True, slots=True)
class TableFacts:
    """One table as the environment describes it; `rights` tells, for each right, its name and id."""

    name: str
    label: str
    set_name: str
    tracked: bool
    versioned: bool
    rights: Mapping[str, tuple[str, str]] = field(default_factory=dict)


_NEEDED = "LogicalName,EntitySetName,ChangeTrackingEnabled,IsOptimisticConcurrencyEnabled"
_FACTS = f"{_NEEDED},SchemaName,Privileges"

#: What the table of predictive scores must grant, where scores are shown there; without it all else goes on.
_SHOWN = ("Read", "Create", "Write")


def tables(env: Environment, kinds: Sequence[str]) -> dict[str, TableFacts]:
    """The tables of these kinds and those that are needed whatever is read, by logical name."""
    names = dict.fromkeys(
        [*(one.name for kind in kinds for one in TABLES[kind]), USERS, *(name for name, _ in _WRITTEN), *_shown(env)]
    )
    any_of = " or ".join(f"LogicalName eq '{name}'" for name in names)
    call = Call("EntityDefinitions", "describe", query=(("$select", _FACTS), ("$filter", any_of)))
    found = plainly(env.api.page, call, _NEEDED)[0]
    return {str(one.get("LogicalName")): _table(one) for one in found}


def _shown(env: Environment) -> tuple[str, ...]:
    """The tables that show scores, where they are to."""
    return (SCORES.name,) if env.writing.predictive_score else ()


def _table(fact: Fact) -> TableFacts:
    rights = {
        str(one.get("PrivilegeType")): (str(one.get("Name")), str(one.get("PrivilegeId")).lower())
        for one in fact.get("Privileges") or ()
        if isinstance(one, Mapping)
    }
    return TableFacts(
        str(fact.get("LogicalName")),
        str(fact.get("SchemaName") or fact.get("LogicalName")),
        str(fact.get("EntitySetName") or ""),
        fact.get("ChangeTrackingEnabled") is True,
        fact.get("IsOptimisticConcurrencyEnabled") is not False,
        rights,
    )


def missing(env: Environment, user: str, kinds: Sequence[str], known: Mapping[str, TableFacts]) -> list[Finding]:
    """Every right that the user lacks, each with what cannot be done without it."""
    held = _held(env, user) if any(one.rights for one in known.values()) else None
    found = [
        finding for kind, name in _read(kinds) if name in known for finding in _reading(env, kind, known[name], held)
    ]
    if held is None:
        what = "what the application user may write could not be proved: it may not see its own rights."
        return [*found, Finding(what, f"Grant it Read on User (prvReadUser), {_WHERE}.")]
    for name, rights in _WRITTEN:
        found += [
            _lacking(known[name], right, held) for right in rights if name in known and not held.has(known[name], right)
        ]
    shown = [(known[name], right) for name in _shown(env) if name in known for right in _SHOWN]
    return [*found, *(_lacking(table, right, held, stops="") for table, right in shown if not held.has(table, right))]


def _read(kinds: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield from ((kind, table.name) for kind in kinds for table in TABLES[kind])
    yield "", USERS


# -- what is held ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Held:
    """The rights that the roles grant: by name in lower case and by id, with the depth of each."""

    depths: Mapping[str, str]

    def has(self, table: TableFacts, right: str) -> bool:
        """Whether it is granted, or the table knows no such right."""
        return right not in table.rights or any(one in self.depths for one in self._names(table, right))

    def depth(self, table: TableFacts, right: str) -> str:
        """How far it reaches; "" where nobody says."""
        return next((self.depths[one] for one in self._names(table, right) if one in self.depths), "")

    def _names(self, table: TableFacts, right: str) -> tuple[str, ...]:
        name, id = table.rights.get(right, ("", ""))
        return name.lower(), id


def _held(env: Environment, user: str) -> _Held | None:
    """None where the environment does not say."""
    try:
        told = env.api.ask(Call(f"systemusers({user})/{CRM}RetrieveUserPrivileges()", "describe"))
    except (Denied, NotFound, Refused) as error:
        if isinstance(error, Denied) and error.code != "scope":
            raise
        return None
    depths: dict[str, str] = {}
    for one in told.get("RolePrivileges") or ():
        for key in ("PrivilegeName", "PrivilegeId"):
            if isinstance(one.get(key), str):
                depths[one[key].lower()] = _deeper(depths.get(one[key].lower(), ""), str(one.get("Depth") or ""))
    return _Held(depths)


_DEPTHS = ("Basic", "Local", "Deep", "Global")


def _deeper(one: str, other: str) -> str:
    """Several roles add up."""
    return max(one, other, key=lambda depth: _DEPTHS.index(depth) if depth in _DEPTHS else -1)


# -- what is lacking ---------------------------------------------------------------------------------------


def _reading(env: Environment, kind: str, table: TableFacts, held: _Held | None) -> Iterator[Finding]:
    if held is None or not held.has(table, "Read"):
        if not _can_look(env, table):
            yield _lacking(table, "Read", held, kind, "reading")
        return
    if held.depth(table, "Read") in _DEPTHS[:-1] and table.name != USERS:
        what = (
            f"{_granted(table, 'Read')} reaches {_REACH[held.depth(table, 'Read')]} only: others would never be seen."
        )
        yield Finding(what, f"Grant it for the organization, {_WHERE}.", kind, "reading")


_REACH: Mapping[str, str] = {
    "Basic": "rows of the user's own",
    "Local": "the user's business unit",
    "Deep": "the user's business unit and those below it",
}


def _can_look(env: Environment, table: TableFacts) -> bool:
    try:
        env.api.page(Call(table.set_name, "describe", query=(("$select", "createdon"), ("$top", "1"))))
    except Denied as error:
        if error.code != "scope":
            raise
        return False
    except (NotFound, Refused):
        pass  # whatever it is that was not understood, it is not the right
    return True


def _lacking(
    table: TableFacts, right: str, held: Any, kind: str = "", stops: Literal["", "reading", "writing"] = "writing"
) -> Finding:
    what = f"no security role of the application user grants {_granted(table, right)}."
    return Finding(what, f"Grant it for the organization, {_WHERE}.", kind, stops)


def _granted(table: TableFacts, right: str) -> str:
    """A right as the admin center and the error messages call it."""
    name = table.rights.get(right, (f"prv{right}{table.label}", ""))[0]
    return f"{right} on {table.label} ({name})"
