"""
Hand-off tasks: found by whom they regard, created under an id that follows from their marker.

The id makes a second creation harmless: Dataverse is asked for a new row of this id, and says so where it is there. A
lost answer is therefore asked for again, and whoever begins anew after a crash makes the same task or none.
Source: "Create a record with a chosen id" and "Prevent update in upsert" of Microsoft's documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from functools import partial
from typing import Any
from uuid import UUID, uuid5

from connector import codes
from connector.crm import FoundTask, Outcome, Task
from connector.crm.announcing import announced
from connector.crm.dynamics import linking, reading
from connector.crm.dynamics.api import Call
from connector.crm.dynamics.bindings import BIND, OWNER, REGARDING
from connector.crm.dynamics.environment import Environment
from connector.crm.dynamics.kinship import Found, Tellers, alive, followed, speaks_for
from connector.crm.dynamics.names import TASK
from connector.crm.dynamics.refusals import Refused
from connector.errors import Deferred, Denied, NotFound, OutcomeUnknown, Transient

_IDS = UUID("a1d3b8f0-6f0e-5c57-9a5c-2f4f6f2f7c11")

#: Characters that a task's subject and text may have.
_SUBJECT, _TEXT = 200, 2000

_PRIORITIES: Mapping[str, int] = {"LOW": 0, "MEDIUM": 1, "HIGH": 2}

#: Dataverse's words for: a row of this id is there already. Of any other duplicate a look tells whether it is that.
_THERE_ALREADY = frozenset({"", "0x80040237"})


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


def create_tasks(env: Environment, tasks: Sequence[Task], about_to_send: Callable[[int], None]) -> list[Outcome]:
    """One PATCH each, several people's at once. `about_to_send` is called in the caller's own thread."""
    if not tasks:
        return []
    people = followed(env, Tellers.of(env, "contact", ()), [task.contact_id for task in tasks])
    create = partial(_create, env, people)
    return announced(tasks, create, partial(env.api.ahead, writing=True), env.reading.threads, about_to_send)


def id_of_task(task: Task) -> str:
    """The same for the same hand-off, whatever the task says."""
    return str(uuid5(_IDS, task.marker or f"{task.contact_id}\n{task.body}"))


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
    except OutcomeUnknown as error:
        return Outcome("", "unknown", code=codes.of(error), message="the task may or may not have been created")
    except (Transient, Deferred) as error:
        return Outcome("", "deferred", code=codes.of(error), message=str(error))
    except Refused as error:
        return _refusal(env, id, error)
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


def _refusal(env: Environment, id: str, error: Refused) -> Outcome:
    """A task of this id that is there already was created once. Which code says so is not written down, and another
    duplicate is refused alike, so where the code leaves it open we look."""
    refused = Outcome("", "rejected", code=error.code, message=error.sentence)
    if error.status != 412:
        return refused
    try:
        if error.theirs not in _THERE_ALREADY:
            env.api.ask(Call(f"{TASK.set_name}({id})", "read", query=(("$select", TASK.key),)))
    except (NotFound, Refused):
        return refused
    except (Transient, Deferred) as unseen:
        return Outcome("", "unknown", code=codes.of(unseen), message="the task may have been there already")
    return Outcome(id, "written")


def _body(env: Environment, task: Task, table: str, person: str) -> dict[str, Any]:
    leads = env.bindings.of(TASK)
    body: dict[str, Any] = {
        "subject": task.subject[:_SUBJECT],
        "description": _shortened(task.body),
        "scheduledend": task.due_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        leads[REGARDING][table] + BIND: env.bindings.address(table, person),
    }
    if task.priority in _PRIORITIES:
        body["prioritycode"] = _PRIORITIES[task.priority]
    if task.owner_id:
        body[leads["ownerid"][OWNER] + BIND] = env.bindings.address(OWNER, task.owner_id)
    return body


def _shortened(text: str) -> str:
    """What fits, with the last paragraph: the marker stands there."""
    if len(text) <= _TEXT:
        return text
    told, _, last = text.rpartition("\n\n")
    return f"{told[: max(0, _TEXT - len(last) - 3)]}…\n\n{last}"[-_TEXT:]
