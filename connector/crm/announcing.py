"""
Creations that are announced one by one before they go out, several of them under way at once.

Whoever creates tasks has to write down each before it may exist, in the thread that asked for it. One person's go out
one after the other, so that what is announced and not yet sent is never two of the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from functools import partial

from connector.crm import Outcome, Task


def announced(
    tasks: Sequence[Task],
    create: Callable[[Task], Outcome],
    ahead: Callable[[Callable[[], Outcome]], Future[Outcome]],
    threads: int,
    about_to_send: Callable[[int], None],
) -> list[Outcome]:
    """What became of each task. `ahead` starts one creation in a thread of its own, `threads` of them at once."""
    coming: list[Future[Outcome]] = []
    of_person: dict[str, Future[Outcome]] = {}
    try:
        for number, task in enumerate(tasks):
            if number >= threads:
                wait([coming[number - threads]])
            if task.contact_id in of_person:
                wait([of_person[task.contact_id]])
            about_to_send(number)
            of_person[task.contact_id] = ahead(partial(create, task))
            coming.append(of_person[task.contact_id])
    finally:
        wait(coming)  # whatever happened here, what is under way is heard of by its marker
    return [one.result() for one in coming]
