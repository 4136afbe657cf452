"""What the connector itself costs: the real wiring and the real loop, one run per measure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from account import configure
from measure import Result, Stopwatch

from connector.cli import run as connector
from connector.cli.opening import choose
from connector.cli.sessions import session_for
from connector.sync import Order, Report, Session, run

#: Runs of one bench decide at one instant, so that only the CRM can be the reason for a write.
_INSTANT = "as_of"


def set_up(folder: Path, url: str, _people: int) -> Result:
    """Create our properties in the account."""
    watch = Stopwatch()
    if code := connector(["setup", "--yes", "--config", str(configure(folder, url, "live"))]):
        raise SystemExit(code)
    return watch.read()


def first_fill(folder: Path, url: str, people: int) -> Result:
    """Everybody for the first time, observing: read, decide, diff, remember."""
    with _session(folder, url, "observe") as session:
        return _run(session, Order("backfill", _as_of(folder), everything=True), people)


def writing(folder: Path, url: str, people: int) -> Result:
    """Everybody for the first time, writing; what is reported is the part after the last look."""
    with _session(folder, url, "live") as session:
        split: list[Stopwatch] = []
        told = session.progress

        def progress(phase: str, done: int, total: int | None) -> None:
            if phase == "looked at":
                split[:] = [Stopwatch()]
            told(phase, done, total)

        session.progress = progress
        order = Order("backfill", _as_of(folder), everything=True, tasks=False, release=True)
        whole = _run(session, order, people)
        return {**whole, **split[0].read(), "whole_cpu": whole["cpu"], "people": whole["counts"]["written"]}


def unchanged(folder: Path, url: str, people: int) -> Result:
    """Everybody again: read, decide, diff, and nothing to write. The clock stands an hour later, as it would."""
    with _session(folder, url, "live", later=timedelta(hours=1)) as session:
        result = _run(session, Order("backfill", _as_of(folder), everything=True, tasks=False), people)
    return _nothing_written(result)


def incremental(folder: Path, url: str, people: int) -> Result:
    """The run that comes every few minutes and finds nothing."""
    with _session(folder, url, "live", later=timedelta(hours=2)) as session:
        kinds = len(session.agreement.wiring.fields)
        result = _run(session, Order("sync", _as_of(folder)), people)
    return {**_nothing_written(result), "kinds": kinds}


def rescore(folder: Path, url: str, people: int) -> Result:
    """Everybody decided again from the ledger, as after a changed rule: no record is read."""
    with _session(folder, url, "live", later=timedelta(hours=3)) as session:
        session.ledger.mirror.mark_all_dirty()
        result = _run(session, Order("sync", _as_of(folder)), people)
    if result["looked_at"] < people:
        raise RuntimeError(f"only {result['looked_at']} of {people} people were decided again")
    return _nothing_written(result)


@contextmanager
def _session(folder: Path, url: str, mode: str, later: timedelta = timedelta(0)) -> Iterator[Session]:
    """A session as the command line opens it, with its clock put forward so that our own writes are long settled."""
    chosen = choose(configure(folder, url, mode), None)
    with session_for(chosen, lambda _phase, _done, _total: None) as session:
        session.now = lambda: datetime.now(UTC) + later
        yield session


def _run(session: Session, order: Order, people: int) -> Result:
    before = dict(session.crm.calls.by_class)
    watch = Stopwatch()
    report = run(session, order)
    result = watch.read()
    return {
        **result,
        "people": people,
        "looked_at": report.counts["looked_at"],
        "calls": {name: count - before.get(name, 0) for name, count in report.calls.items()},
        "status": _sound(report),
        "counts": report.counts,
    }


def _sound(report: Report) -> str:
    """A figure of a run that went wrong is no figure."""
    if report.status != "done":
        raise RuntimeError(f"the run ended {report.status}: {report.message} {report.parked} {report.counts}")
    return str(report.status)


def _nothing_written(result: Result) -> Result:
    if result["counts"]["changed"] or result["counts"]["written"]:
        raise RuntimeError(f"a run that should find nothing found {result['counts']}")
    return result


def _as_of(folder: Path) -> datetime:
    """The instant of this bench, kept by the first run that asks."""
    path = folder / _INSTANT
    if not path.exists():
        path.write_text(datetime.now(UTC).isoformat(), encoding="utf-8")
    return datetime.fromisoformat(path.read_text(encoding="utf-8"))
