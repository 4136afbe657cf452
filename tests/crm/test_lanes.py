"""How many requests at once: begin low, grow slowly, halve on a complaint, share what the server recommends."""

from __future__ import annotations

import heapq
import random
import threading
from collections.abc import Callable

import pytest

from connector.crm.desk import Desk
from connector.crm.lanes import PATIENCE, REMEMBERED, TO_BEGIN_WITH, Lanes
from connector.crm.quota import OwnBook
from connector.errors import Transient


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def lanes_of(clock: Clock, most: int = 52) -> Lanes:
    return Lanes(most, clock=clock)


def fill(lanes: Lanes) -> int:
    """Take every lane that is free."""
    taken = 0
    while lanes.try_take():
        taken += 1
    return taken


def rounds(lanes: Lanes, answers: int, *, full: bool = True) -> None:
    """So many good answers, with all lanes in use or only one."""
    held = fill(lanes) if full else lanes.try_take()
    for _ in range(answers):
        lanes.give_back(good=True)
        assert lanes.try_take()
        held = held + fill(lanes) if full else held
    for _ in range(held):
        lanes.give_back(good=False)


def test_lesson_41_it_begins_low_and_grows_slowly_while_all_lanes_are_in_use() -> None:
    """One lane more after so many good answers; who needs one lane only has no need of more."""
    busy, idle = lanes_of(Clock()), lanes_of(Clock())
    rounds(busy, PATIENCE - 1)
    before = busy.open
    rounds(busy, 2 * PATIENCE)
    rounds(idle, 5 * PATIENCE, full=False)

    assert before == TO_BEGIN_WITH
    assert busy.open in (TO_BEGIN_WITH + 2, TO_BEGIN_WITH + 3)
    assert idle.open == TO_BEGIN_WITH


def test_lesson_41_a_complaint_halves_once_for_all_that_were_under_way() -> None:
    """Eight refusals at one moment are one complaint; one that was sent afterwards is another."""
    clock = Clock()
    lanes = lanes_of(clock)
    rounds(lanes, 4 * PATIENCE)
    before, clock.now = lanes.open, 101.0
    for _ in range(8):
        lanes.complained(100.5, of_their_number=False)

    assert lanes.open == before // 2
    lanes.complained(101.5, of_their_number=False)
    assert lanes.open == before // 4
    for _ in range(9):
        lanes.complained(clock.now + 1, of_their_number=False)
        clock.now += 2
    assert lanes.open == 1


def test_as_many_lanes_as_drew_a_complaint_about_their_number_are_not_opened_again_soon() -> None:
    """It would draw the next one; after a while the server may have grown."""
    clock = Clock()
    lanes = lanes_of(clock)
    rounds(lanes, 4 * PATIENCE)
    too_many = lanes.open
    lanes.complained(clock.now + 1, of_their_number=True)
    rounds(lanes, 20 * PATIENCE)

    assert lanes.open == too_many - 1
    clock.now += REMEMBERED
    rounds(lanes, PATIENCE)
    assert lanes.open == too_many


def test_what_the_server_recommends_is_a_ceiling_that_processes_divide() -> None:
    """Alone up to all of it, two up to half each, and all of it again when one has gone."""
    clock, book = Clock(), OwnBook()
    desks = [Desk(book, clock=clock, sleep=lambda _: None, wall=clock, name=name) for name in "ab"]
    first = desks[0].open("lanes", lambda: lanes_of(clock))
    first.recommended(10)
    desks[0].enter(lambda: True, wait=True)
    alone = first.ceiling
    second = desks[1].open("lanes", lambda: lanes_of(clock))
    for desk in (desks[1], desks[0]):
        desk.enter(lambda: True, wait=True)

    assert (alone, first.ceiling, second.ceiling) == (10, 5, 5)
    desks[1].close(["lanes"])
    desks[0].enter(lambda: True, wait=True)
    assert first.ceiling == 10


def test_who_is_more_urgent_gets_the_next_lane() -> None:
    """However many wait for a backfill."""
    clock = Clock()
    lanes, order, standing = lanes_of(clock), list[str](), threading.Semaphore(0)
    fill(lanes)

    def stand(priority: str) -> None:
        lanes.take(priority, lambda _: None)  # type: ignore[arg-type]  # one of the words
        order.append(priority)

    threads = [threading.Thread(target=stand, args=("backfill",)) for _ in range(3)]
    threads.append(threading.Thread(target=stand, args=("webhook",)))
    for thread in threads:
        thread.start()
    while sum(lanes._waiting) < len(threads):
        standing.acquire(timeout=0.001)
    lanes.give_back(good=True)
    while not order:
        standing.acquire(timeout=0.001)
    for _ in range(3):
        lanes.give_back(good=True)
    for thread in threads:
        thread.join()

    assert order[0] == "webhook"


def test_who_waits_in_vain_may_be_told_to_stop() -> None:
    """Closing the connection must not wait for a lane that nobody gives back."""
    lanes = lanes_of(Clock())
    fill(lanes)

    def closed(_seconds: float) -> None:
        raise Transient("closed", code="closed")

    with pytest.raises(Transient, match="closed"):
        lanes.take(None, closed)
    lanes.give_back(good=True)
    assert lanes.try_take()


@pytest.mark.parametrize("bears", [3, 10, 30])
def test_lesson_41_a_server_that_bears_so_many_is_used_and_hardly_ever_refuses(bears: int) -> None:
    """By a simulated clock: nearly all of what it bears is in use, and not one request in a hundred refused."""
    clock, dice = Clock(), random.Random(7)
    lanes = lanes_of(clock)
    at_work, served, refused = 0, 0, 0
    events: list[tuple[float, int, Callable[[], None]]] = []

    def send() -> None:
        nonlocal at_work, refused
        since = clock.now
        if at_work >= bears:
            refused += 1
            lanes.complained(since + 0.001, of_their_number=True)
            lanes.give_back(good=False)
            return
        at_work += 1

        def answered() -> None:
            nonlocal at_work, served
            at_work -= 1
            served += 1
            lanes.give_back(good=True)

        heapq.heappush(events, (clock.now + dice.uniform(0.2, 0.4), len(events) + served * 1000, answered))

    while clock.now < 400.0:
        while lanes.try_take():
            send()
        clock.now, _, happens = heapq.heappop(events)
        happens()

    assert refused < 0.01 * (served + refused)
    assert served > 0.75 * bears * 300 / 0.3
