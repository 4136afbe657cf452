"""`connector revert RUN` as somebody types it."""

from __future__ import annotations

from tests.cli.desk import Desk


def test_a_revert_says_first_what_it_cannot_undo_then_asks(synced: Desk) -> None:
    """Nobody there to answer: nothing is written, and nothing is begun; a dry run tells it all."""
    writes = synced.writes
    refused = synced("revert", "1")
    assert (refused.code, synced.writes) == (64, writes)
    assert "Undo run 1 of connection acme? Nobody is here to answer" in refused.err

    told = synced("revert", "1", "--dry-run")
    assert (told.code, synced.writes) == (0, writes)
    for text in (
        "Run 1 wrote to 6 people",
        "What cannot be undone",
        "1 hand-off task stay",
        "(contact 2)",
        "close those that are open by hand",
        "lifecyclestage: 1 person: a stage further back",
        "What is put back, of 6 people",
        "Nothing was written.",
    ):
        assert text in told.out, told.out
    assert told.out.index("What cannot be undone") < told.out.index("What is put back")


def test_a_revert_is_a_run_that_everybody_can_look_at(synced: Desk) -> None:
    """In runs, in explain, as JSON; the same again finds nothing to do; the next sync writes nothing."""
    told = synced("revert", "1", "--yes", "--output", "json")
    assert (told.code, told.json["status"], told.json["counts"]["written"]) == (0, "done", 6)
    undo = told.json["undo"]
    assert (undo["run"], undo["people"], undo["undoes"], len(undo["tasks"])) == (1, 6, 6, 1)
    assert {one["why"] for one in undo["left"]} == {"forward_only"}
    assert not synced.contact("2").get("cx_fit_score")

    assert [one["verb"] for one in synced("runs", "--output", "json").json["runs"]] == ["revert", "sync"]
    explained = synced("explain", "2", "--output", "json").json
    assert [(one["run"], one["undoes"]) for one in explained["changes"]] == [(2, 1), (1, None)]
    assert explained["undone"]["run"] == 1
    assert explained["history"][-1]["cause"] == "revert"
    text = synced("explain", "2").out
    assert "run 2: written, run 1 undone" in text
    assert "run 2 undid run 1: left alone" in text

    writes = synced.writes
    again = synced("revert", "1", "--yes")
    assert (again.code, "Nothing of run 1 is left to undo" in again.out, synced.writes) == (0, True, writes)
    assert synced("sync", "--output", "json").json["counts"]["written"] == 0


def test_after_a_revert_it_is_told_how_life_goes_on(synced: Desk) -> None:
    """What is left alone and until when; `holds` lists it, and lets go of it."""
    told = synced("revert", "1", "--yes")
    assert "is left alone until something new is known" in told.out
    assert "The agreement that led to it still stands" in told.out
    assert {one["id"] for one in synced("holds", "--output", "json").json["holds"]} >= {"1", "2"}
    assert synced("holds", "release", "1").code == 0
    report = synced("sync", "--output", "json").json
    assert (report["counts"]["written"], synced.contact("1")["cx_fit_score"]) == (1, "85")


def test_a_corrected_agreement_is_told_apart(synced: Desk) -> None:
    """Corrected before the revert: what it says now waits as well, unless asked to decide anew."""
    synced.mapping(("scoring.toml", "points = 15", "points = 14"))
    assert "The agreement has changed since that run" in synced("revert", "1", "--yes").out
    other = synced("revert", "1", "--yes", "--decide-anew")
    assert "Nothing of run 1 is left to undo" in other.out


def test_what_cannot_be_undone_at_all_is_told(synced: Desk) -> None:
    """A run that is not known, one that wrote nothing, a revert, a plan, a connection that observes."""
    unknown = synced("revert", "99", "--yes")
    assert (unknown.code, "Run 99 is not known" in unknown.err) == (64, True)
    assert synced("sync").code == 0
    nothing = synced("revert", "2", "--yes")
    assert (nothing.code, "Nothing of run 2 is left to undo" in nothing.out) == (0, True)
    twice = synced("revert", "3", "--yes")
    assert (twice.code, "Run 3 undid another run" in twice.err) == (64, True)
    assert synced("plan").code == 0
    shown = synced("revert", "4", "--yes")
    assert (shown.code, "Run 4 (plan) wrote nothing to the CRM" in shown.err) == (64, True)
    synced.configure(mode='"observe"', go_live=None)
    observing = synced("revert", "1", "--yes")
    assert (observing.code, "only observes" in observing.err) == (5, True)
