"""The audit log: who changed which columns when, where organisation, table and column are audited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from connector.sandbox.dataverse.schema import Ref

if TYPE_CHECKING:
    from connector.sandbox.dataverse.environment import Environment
    from connector.sandbox.dataverse.rows import Row, Value

_OPERATIONS = {"create": 1, "update": 2, "delete": 3}
_MERGE, _QUALIFY, _DISQUALIFY, _SET_STATE, _WIN, _LOSE = 12, 24, 25, 41, 44, 45


class Detail(NamedTuple):
    """The values that an audit row is about, before and after."""

    table: str
    old: Mapping[str, Value]
    new: Mapping[str, Value]


def record(
    environment: Environment,
    what: str,
    table: str,
    row: Row,
    changes: Mapping[str, Value],
    by: str,
    before: Row | None = None,
    through: str | None = None,
) -> None:
    """Write an audit row for a change, where auditing is on for what changed; `through`: who impersonates `by`."""
    shape = environment.tables[table]
    if not (environment.auditing and shape.audited):
        return
    columns = [name for name in changes if name in shape.columns and shape.columns[name].audited]
    if what == "update" and not columns:
        return
    values: dict[str, Value] = {
        "operation": _OPERATIONS[what],
        "action": _action(what, table, changes, row),
        "attributemask": ",".join(str(shape.columns[name].number) for name in columns),
        "userid": Ref("systemuser", by),
        "objectid": Ref(table, row.id),
        "objecttypecode": table,
    }
    if through is not None:
        values["callinguserid"] = Ref("systemuser", through)
    made = environment.add("audit", values, by=by)
    old = {name: before.values.get(name) for name in columns} if before else {}
    environment.audit_details[made.id] = Detail(table, old, {name: changes[name] for name in columns})


def _action(what: str, table: str, changes: Mapping[str, Value], row: Row) -> int:
    if what != "update":
        return _OPERATIONS[what]
    if changes.get("merged"):
        return _MERGE
    if "statecode" not in changes:
        return _OPERATIONS[what]
    ends = {("lead", 1): _QUALIFY, ("lead", 2): _DISQUALIFY, ("opportunity", 1): _WIN, ("opportunity", 2): _LOSE}
    state = row.values.get("statecode")
    return ends.get((table, state), _SET_STATE) if isinstance(state, int) else _SET_STATE
