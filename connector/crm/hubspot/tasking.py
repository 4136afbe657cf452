"""
Hand-off tasks: found by association, created once.

A task that was sent and that no association tells is searched for besides, among all that were created at the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from connector import codes
from connector.crm import INCOMPLETE, FoundTask, Outcome, Task
from connector.crm.announcing import announced
from connector.crm.hubspot.api import Api, Call, listed, next_page, type_of
from connector.crm.hubspot.linking import links
from connector.crm.hubspot.names import TASK_TO_CONTACT
from connector.crm.hubspot.reading import read
from connector.crm.hubspot.records import ident, instant, millis, texts
from connector.crm.hubspot.verdict import Refused
from connector.errors import CrmError, Deferred, NotFound, OutcomeUnknown, Transient

#: Around the instant at which a task was sent, its creation may stand so much earlier or later in HubSpot.
CLOCKS_DIFFER, COMES_LATE = timedelta(minutes=10), timedelta(hours=1)


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


def tasks_marked(api: Api, markers: Mapping[str, datetime]) -> dict[str, str]:
    """Those of these tasks that a search through all tasks created around their instants brings."""
    found: dict[str, str] = {}
    for start, end in _spans(sorted(markers.values())):
        for id_, body in _created(api, start, end):
            found |= {marker: id_ for marker in markers if marker in body}
    return found


def _spans(instants: Sequence[datetime]) -> Iterator[tuple[datetime, datetime]]:
    """Stretches of time around these instants, those that touch as one: clocks differ, and a call may come late."""
    spans: list[tuple[datetime, datetime]] = []
    for at in instants:
        start, end = at - CLOCKS_DIFFER, at + COMES_LATE
        if spans and start <= spans[-1][1]:
            start = spans.pop()[0]
        spans.append((start, end))
    return iter(spans)


def _created(api: Api, start: datetime, end: datetime) -> Iterator[tuple[str, str]]:
    """Every task created in a stretch of time, by growing ids: its id, and what stands in it. Raises Transient where
    the search tells fewer than it counts."""
    above, seen, promised = "0", 0, None
    while True:
        answer = _search(api, start, end, above)
        total = answer.get("total")
        promised = total if promised is None and isinstance(total, int) else promised
        tasks = {id_: entry for entry in listed(answer) if (id_ := ident(entry.get("id")))}
        yield from ((id_, texts(entry.get("properties")).get("hs_task_body") or "") for id_, entry in tasks.items())
        seen += len(tasks)
        newest = max(tasks, key=lambda id_: (len(id_), id_), default=above)
        if not tasks or next_page(answer) is None:
            break
        if newest == above:
            raise CrmError("the search for tasks does not advance", code="search_stuck")
        above = newest
    if seen < (promised or 0):
        raise Transient(f"the search told {seen} of {promised} tasks", code=INCOMPLETE)


def _search(api: Api, start: datetime, end: datetime, above: str) -> dict[str, Any]:
    size = api.sizes["search_page"]
    between = {"operator": "BETWEEN", "value": str(millis(start)), "highValue": str(millis(end))}
    body = {
        "filterGroups": [
            {
                "filters": [
                    {"propertyName": "hs_createdate", **between},
                    {"propertyName": "hs_object_id", "operator": "GT", "value": above},
                ]
            }
        ],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": ["hs_task_body"],
        "limit": size,
    }
    try:
        return api.ask(Call("search", "search", params=type_of("task"), body=body, lists=True))
    except Refused as error:
        if error.allowed is None or not api.sizes.shrink("search_page", size, error.allowed):
            raise
    return _search(api, start, end, above)


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
