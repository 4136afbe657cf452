"""
Hand-off tasks: found by whom they regard, created under an id that follows from their marker.

The id makes a second creation harmless: Dataverse is asked for a new row of this id, and says so where it is there. A
lost answer is therefore asked for again, and whoever begins anew after a crash makes the same task or none.
Source: "Create a record with a chosen id" and "Prevent update in upsert" of Microsoft's documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid5

from connector import codes
from connector.crm import FoundTask, Outcome, Task
from connector.crm.announcing import announced
from connector.crm.dynamics import linking, reading
from connector.crm.dynamics.api import Call
from connector.crm.dynamics.bindings import BIND, OWNER, REGARDING, Navigations
from connector.crm.dynamics.environment import Environment
from connector.crm.dynamics.kinship import Found, Tellers, alive, followed, speaks_for
from connector.crm.dynamics.names import TASK, is_id
from connector.crm.dynamics.refusals import Refused
from connector.errors import Deferred, Denied, NotFound, OutcomeUnknown, Transient

_IDS = UUID("a1d3b8f0-6f0e-5c57-9a5c-2f4f6f2f7c11")

#: Characters that a task's subject and text may have.
_SUBJECT, _TEXT = 200, 2000

_PRIORITIES: Mapping[str, int] = {"LOW": 0, "MEDIUM": 1, "HIGH": 2}


def find_tasks(env: Environment, contact_ids: Sequence[str]) -> list[FoundTask]:
    """Every task on these people; a task on two of them is found twice, once for each."""
    tasks_of = linking.links(env, "contact", contact_ids, "task")
    ids = list(dict.fromkeys(link.to_id for linked in tasks_of.values() for link in linked))
    found = {task.id: task for task in reading.read(env, "task", ids, ("description",))}
    return [
        FoundTask(task.id, contact_id, task.properties.get("description") or "", task.created_at)
        for contact_id, linked in tasks_of.items()
        for link in linked
        if (task := found.get(link.to_id))
    ]


def tasks_marked(env: Environment, markers: Mapping[str, datetime]) -> dict[str, str]:
    """Those of these tasks that stand under the id of their marker."""
    ids = {_id_of(marker): marker for marker in markers}
    return {ids[task.id]: task.id for task in reading.read(env, "task", list(ids), ()) if task.id in ids}


def create_tasks(env: Environment, tasks: Sequence[Task], about_to_send: Callable[[int], None]) -> list[Outcome]:
    """One PATCH each, several people's at once. `about_to_send` is called in the caller's own thread."""
    if not tasks:
        return []
    people = followed(env, Tellers.of(env, "contact", ()), [task.contact_id for task in tasks])
    create = partial(_create, env, people)
    return announced(tasks, create, partial(env.api.ahead, writing=True), env.reading.threads, about_to_send)


def id_of_task(task: Task) -> str:
    """The same for the same hand-off, whatever the task says."""
    return _id_of(task.marker or f"{task.contact_id}\n{task.body}")


def _id_of(marker: str) -> str:
    return str(uuid5(_IDS, marker))


def _create(env: Environment, people: Mapping[str, Found], task: Task) -> Outcome:
    """The created task's id, or why there is none; an outcome without a task has an empty id."""
    person = speaks_for(people, task.contact_id)
    if person is None or not alive(people, person):
        return Outcome("", "gone", code="gone", message="the person is not in Dynamics any more")
    id = id_of_task(task)
    try:
        body = _body(env, task, people[person].table.name, person)
        # Twice is as good as once: the id is the task's own.
        env.api.send(Call(f"{TASK.set_name}({id})", "objects", "PATCH", headers=_ONLY_NEW, body=body, repeatable=True))
    except _NoWay as error:
        return Outcome("", "rejected", code="not_supported", message=str(error))
    except OutcomeUnknown as error:
        return Outcome("", "unknown", code=codes.of(error), message="the task may or may not have been created")
    except (Transient, Deferred) as error:
        return Outcome("", "deferred", code=codes.of(error), message=str(error))
    except Refused as error:
        refusal = Outcome("", "rejected", code=error.code, message=error.sentence)
        return _if_not_there(env, id, refusal) if error.status == 412 else refusal
    except NotFound as error:
        return Outcome(
            "", "rejected", code=codes.of(error), message="the table of tasks, or a row it points to, is gone"
        )
    except Denied as error:
        if error.code != "scope":
            raise
        return Outcome("", "rejected", code="scope", message=str(error))
    return Outcome(id, "written")


_ONLY_NEW = {"If-None-Match": "*"}


def _if_not_there(env: Environment, id: str, refusal: Outcome) -> Outcome:
    """What a 412 means: that the task of this id is there already, or that a rule of the environment takes it for a
    duplicate of another. The codes of either are often empty; the task itself tells."""
    try:
        there = any(task.id == id for task in reading.read(env, "task", [id], ()))
    except (OutcomeUnknown, Transient, Deferred) as error:
        return Outcome("", "unknown", code=codes.of(error), message="the task may or may not be there")
    return Outcome(id, "written") if there else refusal


def _body(env: Environment, task: Task, table: str, person: str) -> dict[str, Any]:
    leads = env.bindings.of(TASK)
    body: dict[str, Any] = {
        "subject": task.subject[:_SUBJECT],
        "description": _shortened(task.body),
        "scheduledend": task.due_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **_bound(env, leads, REGARDING, table, person),
    }
    if task.priority in _PRIORITIES:
        body["prioritycode"] = _PRIORITIES[task.priority]
    if task.owner_id:
        body |= _bound(env, leads, "ownerid", OWNER, task.owner_id)
    return body


class _NoWay(Exception):
    """A task cannot point there."""


def _bound(env: Environment, leads: Navigations, lookup: str, target: str, id: str) -> dict[str, str]:
    """A lookup of the task as it is set."""
    navigation = leads.get(lookup, {}).get(target)
    if navigation is None or not is_id(id.lower()):
        raise _NoWay(f"a task of this environment cannot point to a {target} by {lookup}")
    return {navigation + BIND: env.bindings.address(target, id)}


def _shortened(text: str) -> str:
    """What fits, with the last paragraph: the marker stands there."""
    if len(text) <= _TEXT:
        return text
    told, _, last = text.rpartition("\n\n")
    return f"{told[: max(0, _TEXT - len(last) - 3)]}…\n\n{last}"[-_TEXT:]
