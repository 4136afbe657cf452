"""Lines that the shipped lifecycle.toml leaves to its users: the threshold to SQL, and a funnel without SAL."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from connector.agreement import load_agreement
from connector.decide import Decider
from connector.model import Value

from .conftest import NOON, SHIPPED, V1, Desk, person, signal

DEMO = signal("demo_request", "03-31 11:30")  # with V1: engagement 70.86, fit 85
THRESHOLD = '# enter_when = { fit_at_least = 60, engagement_at_least = 70, from_stages = ["mql", "sal"] }'
PROOFS = 'enter_when = { evidence_at_least = 2, from_stages = ["mql", "sal"] }'
MET = (signal("meeting_held", "03-31 09:00"), signal("email_reply", "03-31 10:00"))


def desk_of(folder: Path, *changes: tuple[str, str]) -> Desk:
    """The shipped files with some texts of lifecycle.toml changed, everywhere where they stand."""
    shutil.copytree(SHIPPED, folder)
    lifecycle = folder / "lifecycle.toml"
    text = lifecycle.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    lifecycle.write_text(text, encoding="utf-8")
    return Desk(Decider(load_agreement(folder)))


def on(folder: Path) -> Desk:
    """With the very line that is commented in the file, in the place of the one it stands under."""
    return desk_of(folder / "on", (f"\n{PROOFS}\n", "\n"), (f"\n{THRESHOLD}\n", f"\n{THRESHOLD[2:]}\n"))


# -- the threshold to SQL (29) -----------------------------------------------------------------------------------------


def test_the_threshold_to_sql_is_off_as_shipped(tmp_path: Path) -> None:
    """However high the score: without proof a demo leads to SAL."""
    decision = desk_of(tmp_path / "off").decide(person(*V1, DEMO))

    assert (decision.score.engagement, decision.tracks[0].stage) == (70.86, "sal")


def test_the_threshold_to_sql_is_one_line_and_on_when_it_is_uncommented(tmp_path: Path) -> None:
    """At 70.86 and 85 the person goes on to SQL in the same look, with one task; a second look has nothing to add."""
    desk = on(tmp_path)
    decision = desk.decide(person(*V1, DEMO))
    again = desk.decide(person(*V1, DEMO))

    assert (decision.tracks[0].stage, decision.reason) == ("sql", "fit 85 reaches 60 and engagement 71 reaches 70")
    assert [move.after for move in decision.moves if move.what == "stage"] == ["sal", "sql"]
    assert (len(decision.tasks), again.moves, again.tasks) == (1, (), ())


@pytest.mark.parametrize("fields", [{"company_size": 5.0, "revenue": 1.0, "industry": "catering", "country": "Peru"}])
def test_with_the_threshold_on_a_fit_below_it_stays_sal(tmp_path: Path, fields: dict[str, Value]) -> None:
    """Both scores are asked for, and proofs do not replace them any more."""
    decision = on(tmp_path).decide(person(*V1, DEMO, *MET, fields=fields))

    assert decision.score.fit < 60
    assert decision.tracks[0].stage == "sal"


def test_with_the_threshold_on_whoever_is_an_mql_goes_on_when_the_score_comes(tmp_path: Path) -> None:
    """45 points make an MQL; a trial later the 70 are there."""
    desk = on(tmp_path)
    first = desk.decide(person(*V1))
    later = desk.decide(person(*V1, signal("trial_start", "03-31 18:00", seen=2)), "03-31 19:00")

    assert [each.tracks[0].stage for each in (first, later)] == ["mql", "sql"]


# -- a funnel without SAL (27) -----------------------------------------------------------------------------------------


def without_sal(folder: Path) -> Desk:
    """SAL is not used, and the fast track goes to SQL, as the comment says."""
    return desk_of(
        folder / "without", ("used = true ", "used = false "), ('to = "sal", requires', 'to = "sql", requires')
    )


def test_case_23_without_sal_proofs_lead_from_mql_to_sql(tmp_path: Path) -> None:
    """Two proofs; nobody is ever stamped as having passed SAL."""
    desk = without_sal(tmp_path)
    first = desk.decide(person(*V1))
    then = desk.decide(person(*V1, *MET), "03-31 15:00")

    assert [each.tracks[0].stage for each in (first, then)] == ["mql", "sql"]
    assert "sal" not in then.tracks[0].entered


def test_case_23_without_sal_the_fast_track_goes_to_sql(tmp_path: Path) -> None:
    """As the file says where: MQL is passed at the same instant, SAL is not, and the clock is the fast one."""
    track = without_sal(tmp_path).decide(person(DEMO)).tracks[0]

    assert (track.stage, track.sla_class, track.passed_through) == ("sql", "fast", ("mql",))
    assert set(track.entered) == {"mql", "sql"}
    assert track.entered["mql"] == NOON


def test_case_23_without_sal_an_acceptance_moves_the_status_only(tmp_path: Path) -> None:
    """Sales is at it; the stage waits for proof."""
    desk = without_sal(tmp_path)
    desk.decide(person(*V1))
    accepted = desk.decide(person(*V1, fields={"sales_answer": "accepted"}), "04-01 09:00")

    assert (accepted.tracks[0].stage, accepted.outputs["status"]) == ("mql", "in_progress")
