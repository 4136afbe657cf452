"""Goals: which period a day counts to, what holds in it, and what may not be changed while it runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from connector.agreement.goals import correction_in, goal_changes_without_correction, held
from connector.agreement.metrics import known
from connector.agreement.periods import period_of, periods
from connector.agreement.terms import Correction, Goal

from .conftest import Folder

WARSAW = ZoneInfo("Europe/Warsaw")
MAY = date(2026, 5, 12)
MQLS = Goal("mqls", "mql", "month", 40, "marketing")
FAIR = Correction(MAY, 35, "trade fair cancelled")


def test_case_50_a_period_is_local() -> None:
    """MQL at 2026-03-31T22:30Z in Warsaw counts to April and to Q2."""
    day = datetime(2026, 3, 31, 22, 30, tzinfo=UTC).astimezone(WARSAW).date()
    assert (period_of(day, "month").label, period_of(day, "quarter").label) == ("2026-04", "2026 Q2")
    april = period_of(day, "month")
    assert april.starts_at(WARSAW) == datetime(2026, 3, 31, 22, tzinfo=UTC)
    assert april.ends_at(WARSAW) == datetime(2026, 4, 30, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "kind", "starts", "label", "begins", "ends"),
    [
        (date(2026, 1, 31), "year", 1, "2026", date(2026, 1, 1), date(2027, 1, 1)),
        (date(2026, 2, 1), "quarter", 4, "2025/26 Q4", date(2026, 1, 1), date(2026, 4, 1)),
        (date(2026, 4, 1), "quarter", 4, "2026/27 Q1", date(2026, 4, 1), date(2026, 7, 1)),
        (date(2026, 3, 31), "year", 4, "2025/26", date(2025, 4, 1), date(2026, 4, 1)),
        (date(2026, 1, 15), "quarter", 2, "2025/26 Q4", date(2025, 11, 1), date(2026, 2, 1)),
        (date(2025, 12, 31), "month", 7, "2025-12", date(2025, 12, 1), date(2026, 1, 1)),
    ],
)
def test_the_fiscal_year_decides_quarters_and_years(
    day: date, kind: str, starts: int, label: str, begins: date, ends: date
) -> None:
    """Counted from the month in which the year starts; months are months."""
    one = period_of(day, kind, starts)  # type: ignore[arg-type]  # three of the kinds
    assert (one.label, one.begins, one.ends) == (label, begins, ends)


@pytest.mark.parametrize("starts", range(1, 13))
def test_every_day_lies_in_one_period_of_each_kind(starts: int) -> None:
    """Periods follow each other without a gap, whatever the fiscal year."""
    for kind in ("month", "quarter", "year"):
        found = list(periods(date(2025, 1, 1), date(2027, 12, 31), kind, starts))  # type: ignore[arg-type]  # kinds
        assert all(before.ends == after.begins for before, after in pairwise(found))
        assert found[0].begins <= date(2025, 1, 1)
        assert found[-1].ends > date(2027, 12, 31)
        assert all(period_of(one.begins, kind, starts) == one for one in found)  # type: ignore[arg-type]  # kinds


def test_a_correction_holds_for_its_own_period() -> None:
    """May is measured by 35, April and June by 40; of two corrections in May the later one holds."""
    goal = replace(MQLS, corrections=(FAIR, Correction(date(2026, 5, 20), 30, "and the second one")))
    months = {one.label: held(goal, one) for one in periods(date(2026, 4, 1), date(2026, 6, 30), "month")}
    assert months == {"2026-04": 40, "2026-05": 30, "2026-06": 40}
    told = correction_in(goal, period_of(MAY, "month"))
    assert told is not None
    assert told.why == "and the second one"


@pytest.mark.parametrize(
    ("now", "says"),
    [
        ((MQLS,), None),
        ((replace(MQLS, at_least=35),), "asks for 35 where 40 was signed"),
        ((replace(MQLS, corrections=(FAIR,)),), None),
        ((replace(MQLS, at_least=35, corrections=(FAIR,)),), None),
        # The new number begins in June: the correction keeps the signed one until then.
        ((replace(MQLS, at_least=50, corrections=(Correction(MAY, 40, "50 from June"),)),), None),
        ((replace(MQLS, at_least=35, corrections=(Correction(date(2026, 4, 3), 35, "last month"),)),), "asks for 35"),
        ((replace(MQLS, owner="sales"), replace(MQLS, name="more", metric="sql")), None),
        ((replace(MQLS, metric="sql"),), "counts something else"),
        ((replace(MQLS, period="quarter"),), "counts something else"),
        ((), "is gone"),
    ],
)
def test_a_goal_whose_period_runs_is_changed_only_by_a_correction(now: tuple[Goal, ...], says: str | None) -> None:
    """What was signed is compared with what stands there now, for the period that runs today."""
    problems = goal_changes_without_correction((MQLS,), now, MAY)
    assert [says in str(one) for one in problems] == ([True] if says else [])
    assert all(one.where == "agreement.toml, goals.mqls" and one.fix for one in problems)


def test_the_message_says_which_line_to_add() -> None:
    """On which day, to how much; the period and its last day are named."""
    (one,) = goal_changes_without_correction((MQLS,), (replace(MQLS, at_least=35),), MAY)
    assert one.fix == (
        "The month 2026-05 runs until 2026-05-31. Add corrections = [{ on = 2026-05-12, at_least = 35,"
        ' why = "..." }] to the goal.'
    )


def test_a_signed_correction_cannot_be_taken_back_or_rewritten_silently() -> None:
    """Without its line the promise would be 40 again; rewritten to 20 it would be another promise."""
    signed = replace(MQLS, corrections=(FAIR,))
    assert goal_changes_without_correction((signed,), (MQLS,), MAY)
    assert goal_changes_without_correction((signed,), (replace(MQLS, at_least=10, corrections=(FAIR,)),), MAY) == []
    again = replace(signed, corrections=(FAIR, Correction(date(2026, 5, 20), 20, "second fair, too")))
    assert goal_changes_without_correction((signed,), (again,), date(2026, 5, 20)) == []


def test_goals_are_read_with_their_corrections_and_signed_with_them(folder: Folder) -> None:
    """A correction is part of what both sides sign; the wording of its reason is not."""
    plain = folder.load()
    folder.change(
        "agreement.toml",
        'at_least = 40, owner = "marketing" }',
        'at_least = 40, owner = "marketing", corrections = [{ on = 2026-05-12, at_least = 35, why = "fair" }] }',
    )
    corrected = folder.load()
    folder.change("agreement.toml", 'why = "fair"', 'why = "trade fair cancelled"')
    reworded = folder.load()
    assert corrected.paper.goals[0].corrections == (Correction(MAY, 35, "fair"),)
    assert len({plain.fingerprint, corrected.fingerprint, reworded.fingerprint}) == 2
    assert corrected.fingerprint == reworded.fingerprint


def test_a_stage_that_is_not_used_has_no_goal(folder: Folder) -> None:
    """Nobody enters it, so nothing can be promised of it; the other stages have three metrics each."""
    metrics = known(folder.load().stages)
    assert {"mql", "new_mql", "re_mql", "sal", "customer", "acceptance_rate"} <= set(metrics)
    folder.change("agreement.toml", 'sqls = { metric = "sql"', 'sqls = { metric = "sal"')
    assert folder.load().paper.goals[2].metric == "sal"
    folder.change("lifecycle.toml", "used = true ", "used = false ")
    assert any('unknown metric "sal"' in one for one in folder.problems())


def test_a_goal_of_one_source_asks_for_the_source_of_people(folder: Folder) -> None:
    """The property is read because of it; an agreement that does not map it is told to."""
    folder.change("agreement.toml", 'at_least = 40, owner = "marketing" }', 'at_least = 40, source = "PAID_SEARCH" }')
    assert "source_first" in folder.load().fields_used["contact"]
    folder.change("hubspot.toml", 'source_first = { property = "hs_analytics_source", optional = true }', "#")
    assert any("the field source_first is not mapped" in one for one in folder.problems())
