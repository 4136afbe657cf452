"""
Hand-off tasks: found by association, created once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC
from functools import partial
from typing import Any

from connector import codes
from connector.crm import FoundTask, Outcome, Task
from connector.crm.announcing import announced
from connector.crm.hubspot.api import Api, Call, type_of
from connector.crm.hubspot.linking import links
from connector.crm.hubspot.names import TASK_TO_CONTACT
from connector.crm.hubspot.reading import read
from connector.crm.hubspot.records import ident, instant, texts
from connector.crm.hubspot.verdict import Refused
from connector.errors import Deferred, NotFound, OutcomeUnknown, Transient


def find_tasks(api: Api, contact_ids: Sequence[str]) -> list[FoundTask]:
    """Every task on these contacts; a task on two of them is found twice, once for each."""
    tasks_of = links(api, "contact", contact_ids, "task")
    ids = list(dict.fromkeys(link.to_id for linked in tasks_of.values() for link in linked))
    found = {task.id: task for task in read(api, "task", ids, ("hs_task_body", "hs_createdate"))}
    return [
        FoundTask(
            task.id,
            contact_id,
            task.properties.get("hs_task_body") or "",
            instant(task.properties.get("hs_createdate")) or task.created_at,
        )
        for contact_id, linked in tasks_of.items()
        for link in linked
        if (task := found.get(link.to_id))
    ]


def create_tasks(api: Api, tasks: Sequence[Task], about_to_send: Callable[[int], None]) -> list[Outcome]:
    """One POST each, because only then the answer belongs to one task without any doubt; several people's at once, one
    person's one after the other. `about_to_send` is called in the caller's own thread."""
    ahead = partial(api.ahead, writing=True)
    return announced(tasks, partial(_create, api), ahead, api.reading.threads, about_to_send)


def _create(api: Api, task: Task) -> Outcome:
    """The created task's id, or why there is none; an outcome without a task has an empty id.

    A refused place in the queue (429, 423) created nothing and has been tried again; everything after which the
    task may exist is unknown.
    """
    call = Call("objects", "tasks", params=type_of("task"), body=_body(task), repeatable=False)
    try:
        answer = api.ask(call)
    except OutcomeUnknown as error:
        return Outcome("", "unknown", code=codes.of(error), message="the task may or may not have been created")
    except (Transient, Deferred) as error:
        return Outcome("", "deferred", code=codes.of(error), message=str(error))
    except NotFound:
        return Outcome("", "gone", code="gone", message="the contact is not in HubSpot any more")
    except Refused as error:
        return Outcome("", "rejected", code=error.code, message=error.sentence)
    id_ = ident(answer.get("id"))
    if id_ is None:
        return Outcome("", "unknown", code="no_id", message="HubSpot's answer names no task")
    return Outcome(id_, "written", texts(answer.get("properties")))


def _body(task: Task) -> dict[str, Any]:
    properties = {
        "hs_timestamp": task.due_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "hs_task_subject": task.subject,
        "hs_task_body": task.body,
        "hs_task_status": "NOT_STARTED",
        "hs_task_type": "TODO",
        "hs_task_priority": task.priority,
    }
    if task.owner_id:
        properties["hubspot_owner_id"] = task.owner_id
    to_contact = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": TASK_TO_CONTACT}
    return {"properties": properties, "associations": [{"to": {"id": task.contact_id}, "types": [to_contact]}]}
