"""Quotas shared by processes: no refusal, nothing left unused, the urgent first, and what the dead held comes back."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from connector.crm.desk import Desk, SharedLog
from connector.crm.hubspot import HubSpot
from connector.crm.priorities import portion
from connector.crm.quota import Book, OwnBook
from connector.ledger.quota import QuotaBook
from tests.crm.quota_sim import Server, Simulation
from tests.crm.scripted import NOBODY, Reply, Script


@pytest.fixture(params=["in memory", "in a ledger"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Book:
    return OwnBook() if request.param == "in memory" else QuotaBook(f"sqlite:///{tmp_path}/state.db")


def busy(simulation: Simulation, since: float, until: float) -> float:
    """What part of the quota was used between two instants."""
    server = simulation.server
    return server.taken(since, until) / ((until - since) / server.window * server.limit)


def test_g7_trap_21_one_process_uses_all_of_the_quota_and_is_never_refused() -> None:
    """Eight threads, 100 to 200 ms on the way: 98 % of 190 in ten seconds, no refusal, one transaction in 30 calls."""
    simulation = Simulation(Server(190))
    simulation.process("a", limit=100).threads(8, priority="backfill")

    simulation.run(130)

    assert simulation.server.refused == 0
    assert busy(simulation, 10, 130) >= 0.98
    assert simulation.entries < len(simulation.server.arrivals) / 30


def test_g7_trap_21_processes_on_one_ledger_share_the_quota_without_a_refusal(book: Book) -> None:
    """Three processes with five threads each, and one that comes later: at least 95 % used, alike, no refusal."""
    simulation = Simulation(Server(190), book)
    for name in "abc":
        simulation.process(name, limit=100).threads(5, priority="backfill")
    simulation.process("late").threads(5, since=30, priority="backfill")

    simulation.run(80)

    server = simulation.server
    assert server.refused == 0
    assert busy(simulation, 10, 80) >= 0.95
    shares = [server.taken(50, 80, f"{name} backfill") for name in ("a", "b", "c", "late")]
    assert min(shares) > 0.6 * max(shares)
    assert simulation.entries < len(server.arrivals) / 5


def test_two_processes_on_one_token_without_a_common_ledger_slow_down_by_the_headers() -> None:
    """Each sees the other only in what is left of the window: both go on, and hardly a call is refused."""
    simulation = Simulation(Server(190))
    simulation.process("a").threads(6)
    simulation.book = OwnBook()
    simulation.process("b").threads(6)

    simulation.run(100)

    server = simulation.server
    assert server.taken(50, 100, "a") > 50
    assert server.taken(50, 100, "b") > 50
    assert server.refused < 0.05 * len(server.arrivals)


def test_a_foreign_app_takes_places_away_and_gives_them_back() -> None:
    """Nine calls a second of somebody else under the same token: we leave them free, and take them when it ends."""
    simulation = Simulation(Server(190))
    simulation.process("a").threads(8)
    simulation.foreign("other", every=1 / 9, since=20, until=60)

    simulation.run(100)

    assert simulation.server.taken(40, 60, "a") < 0.62 * 380
    assert simulation.server.taken(75, 95, "a") > 0.95 * 380
    assert simulation.server.refused < 15


def test_what_a_killed_process_held_comes_back(book: Book) -> None:
    """Its places are free once its lease and the window are over; until then nobody else takes them."""
    simulation = Simulation(Server(190), book)
    simulation.process("dead").threads(8).dies(at=30)
    simulation.process("alive").threads(8, since=31)

    simulation.run(80)

    assert simulation.server.refused == 0
    assert simulation.server.taken(31, 41) < 30
    assert busy(simulation, 50, 80) >= 0.95


def test_a_process_that_ends_leaves_what_it_used_for_one_window(book: Book) -> None:
    """A command right after another: what the first one called still counts, what it did not use is free at once."""
    simulation = Simulation(Server(100), book)
    simulation.process("first").threads(3, calls=40).ends(at=5)
    simulation.process("second").threads(8, since=5.1)

    simulation.run(30)

    assert simulation.server.refused == 0
    assert simulation.server.taken(5, 9, "second") >= 55


def test_g7_a_pool_opened_again_beside_another_is_as_full_as_it_was_left(book: Book) -> None:
    """Two connections of one daemon: the first ends with eighty calls made and comes back a second later, while the
    second works on. What the server counts still is not free."""
    now = [1000.0]
    desk = Desk(book, clock=lambda: now[0], sleep=lambda _: None, wall=lambda: now[0], name="daemon:1")
    opened = partial(desk.open, "ours", lambda: SharedLog(desk, 100, 10.0, 1.0))
    desk.open("another", lambda: SharedLog(desk, 100, 10.0, 1.0))

    def as_many_as_fit(log: SharedLog) -> int:
        made = 0
        while made < 80 and not log.try_take(None):
            log.log.give_back(None)
            made += 1
        return made

    made = [as_many_as_fit(opened())]
    for _ in range(2):
        desk.close(["ours"])
        now[0] += 1
        made.append(as_many_as_fit(opened()))
    now[0] += 10

    assert made == [80, 20, 0]
    assert as_many_as_fit(opened()) == 80


def test_g7_an_incremental_finds_room_beside_a_backfill(book: Book) -> None:
    """Twelve calls every minute beside a saturated backfill of another process: from the second time on at once."""
    simulation = Simulation(Server(100), book)
    simulation.process("backfill").threads(8, priority="backfill")
    for minute in (1, 2, 3):
        process = simulation.process(f"sync{minute}")
        process.threads(1, since=minute * 60, calls=12, priority="incremental").ends(at=minute * 60 + 30)

    simulation.run(215)

    took = [max(at for at, who in simulation.server.arrivals if who == f"sync{one} incremental") for one in (1, 2, 3)]
    assert simulation.server.refused == 0
    assert took[0] < 60 + 20
    assert took[1] < 120 + 3
    assert took[2] < 180 + 3
    assert busy(simulation, 70, 215) >= 0.75


def test_g7_in_one_process_too_the_urgent_find_room_and_nobody_stands_still() -> None:
    """An incremental that never ends beside a backfill: it gets most, the backfill a tenth and more."""
    simulation = Simulation(Server(100))
    process = simulation.process("daemon")
    process.threads(8, priority="backfill").threads(8, since=20, priority="incremental")

    simulation.run(120)

    urgent, other = (simulation.server.taken(60, 120, f"daemon {name}") for name in ("incremental", "backfill"))
    assert simulation.server.refused == 0
    assert urgent > 1.5 * other
    assert other >= 0.1 * 600 - 5
    assert busy(simulation, 60, 120) >= 0.93


def test_lesson_40_search_has_a_log_of_its_own_shared_by_every_process(book: Book) -> None:
    """Five a second for the whole account, four of them ours: three processes stay within, at least 90 % used."""
    simulation = Simulation(Server(5, window=1.0), book, headers=False)
    for name in "abc":
        simulation.process(name, limit=4).threads(3, latency=(0.05, 0.15))

    simulation.run(40)

    assert simulation.server.refused == 0
    assert simulation.server.taken(5, 40) >= 0.75 * 4 * 35


@pytest.mark.parametrize(
    ("mine", "others", "about", "expected"),
    [
        ([0, 0, 0, 100], [], [0, 0, 0, 1], 100),  # alone
        ([0, 0, 0, 100], [], [0, 1, 0, 1], 80),  # an incremental called lately: room is kept for its next call
        ([0, 0, 0, 100], [[0, 30, 0, 0]], [0, 1, 0, 1], 50),  # it has 30, and 20 more are kept
        ([0, 30, 0, 0], [[0, 0, 0, 100]], [0, 1, 0, 1], 30),
        ([0, 0, 0, 100], [[0, 200, 0, 0]], [0, 1, 0, 1], 10),  # however much the urgent want, a tenth
        ([0, 200, 0, 0], [[0, 0, 0, 100]], [0, 1, 0, 1], 90),
        ([0, 0, 0, 100], [[0, 0, 0, 100]], [0, 0, 0, 1], 50),  # equals share alike
        ([0, 0, 0, 100], [[0, 0, 0, 12]], [0, 0, 0, 1], 88),  # who wants little gets it
        ([100, 0, 0, 0], [[0, 100, 0, 0]], [1, 1, 0, 0], 90),  # a webhook goes before everything
        ([0, 0, 100, 0], [[0, 0, 0, 100]], [0, 0, 1, 1], 90),  # a reconcile before a backfill
    ],
)
def test_g7_who_gets_how_many_of_a_hundred_places(
    mine: list[int], others: list[list[int]], about: list[bool], expected: int
) -> None:
    """The rule as a table: webhook, incremental, reconcile, backfill."""
    assert portion(100, mine, others, about) == expected


def test_trap_25_a_thousand_runs_leave_nothing_behind() -> None:
    """One log for a token however many adapters use it, and none once the last is closed."""
    now = [0.0]
    desk = Desk(clock=lambda: now[0], sleep=lambda _: None, wall=lambda: now[0])
    for _ in range(1000):
        logs = {id(desk.open("burst", lambda: SharedLog(desk, 100, 10.0, 1.0))) for _ in range(3)}
        assert len(logs) == 1
        desk.close(["burst", "burst", "burst"])
        now[0] += 60

    assert desk.open_pools == 0
    book: OwnBook = desk._book  # type: ignore[assignment]  # nobody gave it another
    assert (len(book._facts), len(book._leases)) == (1, 0)


def test_g7_connections_with_one_token_share_one_log_and_the_token_stands_nowhere(
    script: Script, tmp_path: Path
) -> None:
    """Two adapters of one daemon: the same burst and day; another token has its own. The ledger holds hashes."""
    now = [0.0]

    def passes(seconds: float) -> None:
        now[0] += seconds

    book = QuotaBook(f"sqlite:///{tmp_path}/state.db")
    desk = Desk(book, clock=lambda: now[0], sleep=passes, wall=lambda: now[0])
    script.answer = lambda _heard: Reply(json=NOBODY, headers={"X-HubSpot-RateLimit-Max": "10"})
    adapters = [HubSpot(token, base_url=script.url, desk=desk) for token in ("pat-one", "pat-one", "pat-two")]
    for adapter in adapters:
        for _ in range(8):
            list(adapter.read("contact", ["1"], ["email"]))

    assert desk.open_pools == 8
    assert 10 <= now[0] < 20
    for adapter in adapters:
        adapter.close()
    assert desk.open_pools == 0
    assert not [one for one in tmp_path.iterdir() if b"pat-one" in one.read_bytes()]
