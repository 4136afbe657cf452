"""
State and status: which pairs there are, what a row is born with, what a write may do to them, what a closed row allows.

A state alone takes its first status; a status alone must belong to the state that the row has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from connector.sandbox.dataverse.errors import refused

if TYPE_CHECKING:
    from connector.sandbox.dataverse.environment import Environment
    from connector.sandbox.dataverse.rows import Row, Value
    from connector.sandbox.dataverse.schema import Table


def born(table: Table, values: Mapping[str, Value]) -> dict[str, Value]:
    """The values of a new row, with state and status."""
    filled = dict(values)
    if table.state() is None:
        return filled
    if "statecode" not in filled and "statuscode" in filled:
        option = table.columns["statuscode"].option(_number(filled["statuscode"]))
        filled["statecode"] = option.state if option else 0
    filled.setdefault("statecode", 0)
    filled.setdefault("statuscode", first_status(table, _number(filled["statecode"])))
    return filled


def settled(environment: Environment, table: Table, row: Row, changes: Mapping[str, Value]) -> dict[str, Value]:
    """A write with state and status as they will be; Refusal where the pair, the move or the row's state forbids it."""
    if table.state() is None:
        return dict(changes)
    before, after = row.values.get("statecode"), changes.get("statecode", row.values.get("statecode"))
    if before in table.closed_states and after == before:
        raise refused("InvalidState", f"The {table.name} is closed and read-only until it is reopened.")
    if table.name == "opportunity" and after != before and after in (1, 2):
        _may_close(environment)
    if "statecode" not in changes and "statuscode" not in changes:
        return dict(changes)
    made = {"statuscode": first_status(table, _number(after)), **changes} if after != before else dict(changes)
    status = made.get("statuscode", row.values.get("statuscode"))
    _must_match(table, _number(after), _number(status))
    _may_move(environment, table, row, _number(status))
    return made


def first_status(table: Table, state: int) -> int:
    """The status that a state takes by itself."""
    return next(one.value for one in table.columns["statuscode"].options if one.state == state)


def _must_match(table: Table, state: int, status: int) -> None:
    option = table.columns["statuscode"].option(status)
    if option is None or option.state != state:
        raise refused("BadStatus", f"{status} is not a valid status code for state code {state} on {table.name}.")


def _may_move(environment: Environment, table: Table, row: Row, status: int) -> None:
    current = _number(row.values.get("statuscode"))
    allowed = environment.transitions.get((table.name, current))
    if allowed is not None and status != current and status not in allowed:
        raise refused("NoSuchTransition", "You can't activate this record because of the status transition rules.")


def _may_close(environment: Environment) -> None:
    if environment.switches.closed_deals == "refuse":
        raise refused("InvalidState", "An opportunity is closed by WinOpportunity or LoseOpportunity.")


def _number(value: Value) -> int:
    return value if isinstance(value, int) else -1
