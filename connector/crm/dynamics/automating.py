"""
The environment's own automations, as far as Dataverse tells of them: what sets a column, and what runs when it changes.

Classic workflows and business rules keep their steps as XAML, cloud flows as JSON; both name the columns they set.
Whatever is not as expected there is passed over, since this is advice, not ground to stand on. What a plug-in does,
nobody can read: that it runs when one of our columns changes, its step says. Sources: the table pages of process
(workflow) and SDK message processing step of Microsoft's documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from connector.crm import Automation
from connector.crm.dynamics.api import Call
from connector.crm.dynamics.environment import Environment
from connector.crm.dynamics.metadata import Fact, rows
from connector.crm.dynamics.names import TABLES
from connector.errors import Denied

_SETTING = re.compile(r"<[\w:]*SetEntityProperty\b[^>]*>")
_ATTRIBUTE, _ENTITY = re.compile(r'\bAttribute="([^"]+)"'), re.compile(r'\bEntityName="([^"]+)"')

#: A definition, as people made it; the copies that run of it are not asked for.
_DEFINITION = 1
_ON = 1

_WOULD_SHOW = (
    "a security role with Read on Process (prvReadWorkflow) and on Sdk Message Processing Step"
    " (prvReadSdkMessageProcessingStep) would show them."
)

#: Few at a time: each comes with all of its steps.
_PAGE: Mapping[str, str] = {"Prefer": "odata.maxpagesize=100"}


def automations(env: Environment, properties: Mapping[str, Sequence[str]]) -> list[Automation]:
    """Those that set one of these properties or run when it changes, one entry for each property, also those that are
    switched off. Raises Denied where the application user may not read them."""
    wanted = {kind: frozenset(names) for kind, names in properties.items() if names}
    if not wanted:
        return []
    try:
        return [*_processes(env, wanted), *_steps(env, wanted)]
    except Denied as error:
        if error.code != "scope":
            raise
        raise Denied(_WOULD_SHOW, code=error.code) from error


def _processes(env: Environment, wanted: Mapping[str, frozenset[str]]) -> Iterator[Automation]:
    query = (
        ("$select", "workflowid,name,statecode,xaml,clientdata"),
        ("$filter", f"type eq {_DEFINITION}"),
    )
    for row in rows(env, Call("workflows", "describe", query=query, headers=_PAGE)):
        set_there = {*_set_in_xaml(row.get("xaml")), *_set_in_flow(row.get("clientdata"))}
        for kind, names in wanted.items():
            tables = {word for table in TABLES[kind] for word in (table.name, table.set_name)}
            for name in sorted({column for table, column in set_there if table in tables and column in names}):
                said = str(row.get("name") or "")
                yield Automation(str(row["workflowid"]), said, kind, name, row.get("statecode") == _ON)


def _set_in_xaml(xaml: Any) -> Iterator[tuple[str, str]]:
    """(table, column) of every step that sets a column."""
    for step in _SETTING.findall(xaml) if isinstance(xaml, str) else ():
        column, table = _ATTRIBUTE.search(step), _ENTITY.search(step)
        if column and table:
            yield table[1].lower(), column[1].lower()


def _set_in_flow(text: Any) -> Iterator[tuple[str, str]]:
    """(set, column) of every action of a cloud flow that writes a row: "item/<column>" among its parameters."""
    try:
        yield from _written_by(orjson.loads(text) if isinstance(text, str) else None)
    except orjson.JSONDecodeError:
        return


def _written_by(part: Any) -> Iterator[tuple[str, str]]:
    if isinstance(part, list):
        for one in part:
            yield from _written_by(one)
    elif isinstance(part, dict):
        if isinstance(name := part.get("entityName"), str):
            items = (key[len("item/") :] for key in part if key.startswith("item/"))
            yield from ((name.lower(), item.partition("@")[0].lower()) for item in items)
        for one in part.values():
            yield from _written_by(one)


def _steps(env: Environment, wanted: Mapping[str, frozenset[str]]) -> Iterator[Automation]:
    """Plug-ins that run when one of the columns changes."""
    query = (
        ("$select", "sdkmessageprocessingstepid,name,filteringattributes,statecode"),
        ("$expand", "sdkmessagefilterid($select=primaryobjecttypecode)"),
        ("$filter", "filteringattributes ne null"),
    )
    for row in rows(env, Call("sdkmessageprocessingsteps", "describe", query=query)):
        columns = {part.strip().lower() for part in str(row.get("filteringattributes") or "").split(",")}
        for kind, names in wanted.items():
            if _table_of(row) in {table.name for table in TABLES[kind]}:
                for name in sorted(columns & names):
                    id, said = str(row["sdkmessageprocessingstepid"]), str(row.get("name") or "")
                    yield Automation(id, said, kind, name, row.get("statecode") == 0, sets=False)


def _table_of(row: Fact) -> str:
    behind = row.get("sdkmessagefilterid")
    return str(behind.get("primaryobjecttypecode") or "") if isinstance(behind, Mapping) else ""
