"""Status, runs, rejects, holds, explain: what one sees without a single call."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.cli.desk import Desk


@pytest.fixture
def offline(synced: Desk) -> Iterator[Desk]:
    """After the first run; looking makes no call."""
    before = sum(synced.sandbox.hubspot.calls.values())
    yield synced
    assert sum(synced.sandbox.hubspot.calls.values()) == before


def test_status_before_the_first_run_says_how_to_begin(desk: Desk) -> None:
    """No run yet: the next two commands are named."""
    told = desk("status")
    assert told.code == 0
    assert "no run yet; start with: connector check" in told.out


def test_status_says_where_things_stand(offline: Desk) -> None:
    """Account, last run, people known, what waits and what was set aside."""
    told = offline("status", "--output", "json").json
    assert (told["account"], told["people"], told["waiting"], told["rejects"], told["holds"]) == ("4242", 6, 0, 0, 0)
    assert (told["last_run"]["verb"], told["last_run"]["status"]) == ("sync", "done")
    text = offline("status")
    assert (text.code, "account 4242, mode live" in text.out) == (0, True)
    assert "6 looked at, 6 written" in text.out


def test_runs_lists_the_newest_first(offline: Desk) -> None:
    """Each run with its verb, ending and counts."""
    rows = [line.split() for line in offline("runs").out.splitlines()]
    assert rows[0][:4] == ["run", "verb", "mode", "status"]
    assert rows[1][:4] == ["1", "sync", "live", "done"]
    assert offline("runs", "--output", "json").json["runs"][0]["tasks_created"] == 1


def test_every_line_of_explain_adds_up_to_the_score(offline: Desk) -> None:
    """Per side, the points of the lines are the score, to the hundredth."""
    for id in ("1", "2", "3"):
        told = offline("explain", id, "--output", "json").json
        for side in ("fit", "engagement"):
            points = [Decimal(str(one["points"])) for one in told["lines"] if one["rule"].startswith(f"{side}.")]
            assert sum(points) == Decimal(str(told[side])), (id, side)
            assert points


def test_explain_shows_the_same_sum_as_text(offline: Desk) -> None:
    """The printed points of a side add up to the printed total."""
    part: dict[str, list[Decimal]] = {}
    totals: dict[str, Decimal] = {}
    side = ""
    for line in offline("explain", "2").out.splitlines():
        words = line.split()
        if words[:1] in (["fit"], ["engagement"]):
            side = words[0]
        elif words and words[0][0] in "+-" and "." in words[0] and side:
            part.setdefault(side, []).append(Decimal(words[0]))
        elif words[1:] == ["in", "all"]:
            totals[side] = Decimal(words[0])
    assert totals == {side: sum(points) for side, points in part.items()}
    assert set(totals) == {"fit", "engagement"}


def test_explain_says_why_why_not_and_which_run(offline: Desk) -> None:
    """The reason of the stage, what is missing for the next, and the run and task that followed."""
    handed_over = offline("explain", "2").out
    assert "demo request: fast track" in handed_over
    assert "run 1: written" in handed_over
    assert "lifecyclestage = marketingqualifiedlead" in handed_over
    assert "for cycle 1, run 1: created" in handed_over
    warm = offline("explain", "1").out
    assert "Why not the next one" in warm
    assert "short of 40" in warm


def test_explain_names_the_nearest_way_on(offline: Desk) -> None:
    """What single fact would do: for who is handed over the answer of sales, for who is warm what they may do next."""
    handed_over = offline("explain", "2").out
    assert "The nearest way on" in handed_over
    assert "conversation held and answered by e-mail → SQL" in handed_over
    ways = offline("explain", "1", "--output", "json").json["ways"]
    assert 1 <= len(ways) <= 3
    assert {"what", "stage", "lead_type"} == set(ways[0])


def test_explain_can_look_ahead(offline: Desk) -> None:
    """As of a later day the same signals count for less."""
    today = offline("explain", "1", "--output", "json").json["engagement"]
    later = offline("explain", "1", "--output", "json", "--as-of", "2027-06-01").json["engagement"]
    assert later < today


def test_explain_of_a_stranger_says_so(offline: Desk) -> None:
    """An id nobody has: 64, and how many people are known."""
    told = offline("explain", "4711")
    assert (told.code, told.out) == (64, "")
    assert "Contact 4711 is not known, or gone; 6 people are known" in told.err


def test_explain_of_somebody_who_was_merged_is_of_the_one_that_is_left(synced: Desk) -> None:
    """Old links lead to old ids."""
    synced.world.merge("contacts", "1", "2")
    assert synced("backfill", "--yes").code in (0, 3)

    told = synced("explain", "2")

    assert told.code == 0
    assert told.out.startswith("contact 1\n")


def test_explain_before_the_first_run_says_how_to_begin(desk: Desk) -> None:
    """Nothing was read yet: 64 with the command to start with."""
    told = desk("explain", "1")
    assert (told.code, "connector plan" in told.err) == (64, True)


def test_explain_says_whom_we_talk_to_and_what_we_say(offline: Desk) -> None:
    """The persona's card, the nurture track, and the question to ask, as text and as JSON."""
    told = offline("explain", "1").out
    talk = offline("explain", "1", "--output", "json").json["talk"]

    assert "Whom we talk to, and what we say" in told
    assert "What to say: Name a company of the same size" in " ".join(told.split())
    assert "Persona: Economic buyer" in told  # people read the label, programs the value
    assert talk["persona"] == "economic_buyer"
    assert talk["not_mql_reason"] == "below_threshold"
