"""Signing the agreement from the command line, and mode live waiting for it."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from connector.agreement.approvals import EMERGENCY, standing
from connector.agreement.approvals_file import read_approvals
from connector.cli.serving import served_by
from tests.cli.desk import Desk, Told

ANN, BEN, CY = ("marketing", "Ann Lee"), ("sales", "Ben Ode"), ("admin", "Cy Park")

#: One line of the shipped rules, and another version of it.
PRICE = ("scoring.toml", "pricing_page = { points = 15", "pricing_page = { points = 14")
BACK = (PRICE[0], PRICE[2], PRICE[1])


def approve(desk: Desk, who: tuple[str, str], *more: str) -> Told:
    return desk("agreement", "approve", "--as", who[0], "--name", who[1], "--yes", *more)


def sign(desk: Desk) -> None:
    for who in (ANN, BEN, CY):
        assert approve(desk, who).code == 0


def edit(desk: Desk, *changes: tuple[str, str, str]) -> None:
    """Change lines of the desk's own agreement, with signatures asked for."""
    desk.mapping(*changes)
    desk.configure(mapping='"mappings"', require_approval=None)


@pytest.fixture
def strict(desk: Desk) -> Desk:
    """A desk with an agreement of its own, in mode live, with signatures asked for."""
    edit(desk)
    return desk


# -- mode live ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "verb", [("sync", "--yes"), ("sync",), ("backfill", "--yes"), ("backfill", "--tasks", "--yes")]
)
def test_mode_live_writes_nothing_under_an_unsigned_agreement(strict: Desk, verb: tuple[str, ...]) -> None:
    told = strict(*verb)

    assert told.code == 5
    assert "Mode live waits for the signature of marketing, sales and admin under agreement 1.0 (" in told.err
    for side in ("marketing", "sales", "admin"):
        assert f'connector agreement approve --as {side} --name "..."' in told.err
    assert "Without signatures: require_approval = false" in told.err
    assert (strict.writes, strict.tasks()) == (0, 0)


def test_a_refused_run_says_so_as_json_and_among_the_runs(strict: Desk) -> None:
    told = strict("sync", "--yes", "--output", "json")

    assert (told.code, told.json["status"]) == (5, "refused")
    assert "waits for the signature" in told.json["message"]
    (run,) = strict("runs", "--output", "json").json["runs"]
    assert (run["status"], run["counts"]["looked_at"], run["counts"]["written"]) == ("refused", 0, 0)


def test_the_first_run_after_signing_reads_at_its_own_instant(strict: Desk) -> None:
    """A refused run leaves no scan behind that the next one would go on with."""
    strict("sync", "--yes", "--as-of", "2026-01-01T00:00:00Z")
    sign(strict)

    told = strict("sync", "--yes", "--output", "json")

    assert (told.code, told.json["counts"]["looked_at"]) == (0, 6)
    assert not told.json["as_of"].startswith("2026-01-01")
    assert told.json["tasks_created"] == 1


def test_apply_is_refused_as_well_and_asks_nobody_before(strict: Desk) -> None:
    strict.configure(mapping='"mappings"', require_approval="false")
    assert strict("plan", "-o", "plan.json").code == 0
    strict.configure(mapping='"mappings"', require_approval=None)

    assert strict("apply", "plan.json").code == 5
    assert strict.writes == 0
    sign(strict)
    assert strict("apply", "plan.json", "--yes").code == 0
    assert strict.writes > 0


def test_plan_and_explain_work_and_say_that_a_run_would_be_refused(strict: Desk) -> None:
    planned = strict("plan", "--output", "json")
    text = strict("plan").out
    explained = strict("explain", "1", "--output", "json").json

    assert (planned.code, planned.json["counts"]["changed"]) == (0, 6)
    for warnings in (planned.json["warnings"], explained["warnings"], [text], [strict("explain", "1").out]):
        assert any("sync would be refused: mode live waits for the signature of" in one for one in warnings)
    assert strict.writes == 0


@pytest.mark.parametrize("mode", ["observe", "scores"])
def test_observing_and_scoring_ask_for_nobody_s_signature(strict: Desk, mode: str) -> None:
    strict.configure(mapping='"mappings"', require_approval=None, mode=f'"{mode}"')

    told = strict("sync", "--yes", "--output", "json")

    assert (told.code, told.json["warnings"]) == (0, [])


def test_without_go_live_it_only_observes_and_asks_nobody(strict: Desk) -> None:
    strict.configure(mapping='"mappings"', require_approval=None, go_live=None)

    told = strict("sync", "--output", "json")

    assert (told.code, told.json["warnings"]) == (0, ["go_live is not set: the connector only observes"])


def test_the_shipped_agreement_cannot_be_signed_and_says_what_to_do(desk: Desk) -> None:
    desk.configure(require_approval=None)

    assert "an agreement of your own: connector init FOLDER" in desk("sync", "--yes").err
    told = approve(desk, ANN)
    assert (told.code, "cannot be signed. Make your own: connector init FOLDER" in told.err) == (64, True)


def test_signed_by_all_three_it_writes_and_a_comment_changes_nothing(strict: Desk) -> None:
    sign(strict)
    edit(strict, ("scoring.toml", "[engagement.high_intent]", "# about prices\n[engagement.high_intent]"))

    assert strict("sync", "--yes").code == 0
    assert strict.tasks() == 1


def test_a_changed_rule_must_be_signed_anew_and_the_refusal_says_what_changed(strict: Desk) -> None:
    sign(strict)
    assert strict("sync", "--yes").code == 0
    edit(strict, PRICE)
    writes = strict.writes

    told = strict("sync")

    assert told.code == 5
    assert "the signature of marketing and sales under agreement 1.0" in told.err
    assert "Changed since it was signed: engagement.high_intent.pricing_page (in words: connector agreement" in told.err
    assert ".." not in told.err.replace('"..."', "")
    assert strict.writes == writes
    edit(strict, BACK)
    assert strict("sync").code == 0  # the old meaning is still signed


def test_a_changed_wiring_is_the_administrator_s_to_sign(strict: Desk) -> None:
    sign(strict)
    edit(strict, ("write_back.toml", 'scores_at = "06:00"', 'scores_at = "07:00"'))

    assert "the signature of admin under agreement" in strict("sync", "--yes").err
    assert approve(strict, CY).code == 0
    assert strict("sync", "--yes").code == 0


def test_the_daemon_takes_signatures_as_they_come(strict: Desk) -> None:
    """What it serves was loaded once; who has signed is looked up each time a connection's doors open."""
    served = served_by(strict.config)["acme"]
    with served.session() as session:
        assert "the signature of marketing, sales and admin" in (session.unsigned() or "")
    sign(strict)
    with served.session() as session:
        assert session.unsigned() is None


# -- an emergency -------------------------------------------------------------------------------------------------


def test_one_side_alone_in_an_emergency_is_enough_and_is_shown_everywhere(strict: Desk) -> None:
    sign(strict)
    edit(strict, PRICE)
    assert approve(strict, BEN, "--emergency", "--why", "the price list moved").code == 0
    said = "is followed by the word of sales alone until"

    run = strict("sync", "--yes", "--output", "json")

    assert (run.code, run.json["status"]) == (0, "done")
    shown = [
        *run.json["warnings"],
        strict("plan").out,
        strict("sync").out,
        strict("status").out,
        strict("check").out,
        strict("explain", "1").out,
    ]
    assert [said in one and "(emergency: the price list moved)" in one for one in shown] == [True] * 6
    found = strict("status", "--output", "json").json["signatures"]
    assert (found["signed"], found["emergency"], found["missing"]) == (True, True, ["marketing"])

    assert approve(strict, ANN).code == 0
    assert said not in strict("plan").out


def test_an_emergency_that_is_over_holds_mode_live_and_says_when_it_ended(strict: Desk) -> None:
    approve(strict, CY)
    approve(strict, BEN, "--emergency", "--why", "the price list moved")
    file = strict.folder / "mappings" / "approvals.toml"
    (_, alone) = read_approvals(file.parent)
    begun = f"{alone.at:%Y-%m-%dT%H:%M:%SZ}"
    file.write_text(file.read_text().replace(begun, f"{alone.at - EMERGENCY:%Y-%m-%dT%H:%M:%SZ}"))

    told = strict("sync", "--yes")

    assert told.code == 5
    assert f"The emergency ended at {alone.at:%Y-%m-%d %H:%M:%S} UTC." in told.err
    assert "the signature of marketing under agreement" in told.err


@pytest.mark.parametrize(
    ("who", "more", "told"),
    [
        (BEN, ("--emergency",), "--emergency needs a reason"),
        (CY, ("--emergency", "--why", "now"), "--emergency is for marketing or sales"),
    ],
)
def test_an_emergency_needs_a_reason_and_a_side(
    strict: Desk, who: tuple[str, str], more: tuple[str, ...], told: str
) -> None:
    ended = approve(strict, who, *more)

    assert (ended.code, told in ended.err) == (64, True)
    assert not (strict.folder / "mappings" / "approvals.toml").exists()


def test_there_is_no_emergency_where_the_other_side_has_signed(strict: Desk) -> None:
    approve(strict, ANN)

    told = approve(strict, BEN, "--emergency", "--why", "now")

    assert (told.code, "sign without --emergency" in told.err) == (64, True)


def test_a_kept_copy_that_was_edited_is_not_taken_for_what_was_signed(strict: Desk) -> None:
    """Nobody slips a rule into what the others believe they have signed."""
    sign(strict)
    edit(strict, PRICE)
    signed = read_approvals(strict.folder / "mappings")[0].fingerprint
    scoring = strict.folder / "mappings" / "signed" / signed / "scoring.toml"
    before = scoring.read_bytes()
    scoring.write_bytes(before.replace(b"pricing_page = { points = 15", b"pricing_page = { points = 14"))
    said = f"mappings/signed/{signed}: was changed after it had been signed."

    for verb in ("diff", "lint", "render"):
        told = strict("agreement", verb)
        assert (told.code, said in told.err) == (4, True), verb
    assert said in approve(strict, ANN).err
    assert strict("sync", "--yes").code == 5  # for want of signatures, as before
    edit(strict, BACK)
    assert strict("sync", "--yes").code == 0  # what runs is what was signed
    scoring.write_bytes(before.replace(b"\n", b"\r\n"))  # a checkout on Windows is no edit
    assert strict("agreement", "diff").code == 0


def test_an_edited_copy_is_not_signed_a_second_time(strict: Desk) -> None:
    """The second signature vouches for the files that the first one kept."""
    approve(strict, ANN)
    signed = read_approvals(strict.folder / "mappings")[0].fingerprint
    with (strict.folder / "mappings" / "signed" / signed / "lifecycle.toml").open("a") as kept:
        kept.write("# a note\n")

    told = approve(strict, BEN)

    assert (told.code, "was changed after it had been signed" in told.err) == (4, True)
    assert len(read_approvals(strict.folder / "mappings")) == 1


def test_where_the_copy_of_the_rules_is_gone_nobody_is_told_it_is_the_last_version(strict: Desk) -> None:
    """The administrator's copy holds older rules, and says so."""
    sign(strict)
    edit(strict, PRICE)
    approve(strict, ANN)
    approve(strict, BEN)
    last = read_approvals(strict.folder / "mappings")[-1].fingerprint
    shutil.rmtree(strict.folder / "mappings" / "signed" / last)

    assert "no copy is kept of the rules that were signed last" in strict("agreement", "diff").out


# -- signing ------------------------------------------------------------------------------------------------------


def test_signing_shows_what_is_signed_and_keeps_a_copy_of_it(strict: Desk) -> None:
    first = approve(strict, ANN)
    assert "To be signed for marketing: the rules of version 1.0 (" in first.out
    assert "No version was signed before" in first.out
    assert "marketing has signed version 1.0" in first.out
    assert "not signed yet by sales, admin; signed by marketing (Ann Lee, " in first.out
    sign(strict)
    edit(strict, PRICE)

    again = approve(strict, BEN).out

    assert "Changed since the last signed version:" in again
    assert "- Pricing page: +15 points" in again
    assert "+ Pricing page: +14 points" in again
    kept = {path.name for path in (strict.folder / "mappings" / "signed").iterdir()}
    assert kept == {one.fingerprint for one in read_approvals(strict.folder / "mappings")}


def test_a_kept_copy_that_was_touched_is_not_signed_for(strict: Desk) -> None:
    """Marketing signs, somebody edits the copy, sales signs: for the rules, and never for what the copy says now."""
    approve(strict, ANN)
    (kept,) = (strict.folder / "mappings" / "signed").iterdir()
    rules = (kept / PRICE[0]).read_text()
    (kept / PRICE[0]).write_text(rules.replace(PRICE[1], PRICE[2]))

    told = approve(strict, BEN)

    assert told.code == 64
    assert f"mappings/signed/{kept.name} does not say what was signed" in told.err
    assert [one.side for one in read_approvals(strict.folder / "mappings")] == ["marketing"]
    (kept / PRICE[0]).write_text(rules)
    assert approve(strict, BEN).code == 0


def test_signing_twice_says_so_and_changes_nothing(strict: Desk) -> None:
    approve(strict, ANN)
    file = strict.folder / "mappings" / "approvals.toml"
    before = file.read_bytes()

    told = approve(strict, ("marketing", "Eve Ng"))

    assert (told.code, file.read_bytes()) == (0, before)
    assert "marketing has signed this already (Ann Lee, " in told.out
    assert approve(strict, ANN, "--output", "json").json["signed_now"] is False


@pytest.mark.parametrize("name", ["Ann Lee", "ANN LEE", "ánn  lee", "Ann-Lee"])
def test_one_person_cannot_sign_for_both_sides(strict: Desk, name: str) -> None:
    approve(strict, ANN)

    told = approve(strict, ("sales", name))

    assert told.code == 64
    assert "Ann Lee has signed for marketing, and one person cannot sign for both sides." in told.err
    assert len(read_approvals(strict.folder / "mappings")) == 1


def test_only_those_who_are_named_may_sign(strict: Desk) -> None:
    edit(strict, ("agreement.toml", 'sales = { name = "" }', 'sales = { name = ["Ben Ode", "Eve Ng"] }'))

    told = approve(strict, ("sales", "Zed Ito"))

    assert (told.code, "For sales may sign: Ben Ode or Eve Ng. Zed Ito is not among them" in told.err) == (64, True)
    assert approve(strict, ("sales", "eve ng")).code == 0


def test_nobody_signs_by_accident(strict: Desk) -> None:
    """Without a terminal only --yes is an answer; and what is no side or no name is refused."""
    asked = strict("agreement", "approve", "--as", "sales", "--name", "Ben Ode")
    assert (asked.code, "Nobody is here to answer: run it again with --yes." in asked.err) == (64, True)

    unknown = strict("agreement", "approve", "--as", "legal", "--name", "Lex", "--yes")
    assert unknown.code == 64
    assert "'marketing', 'sales', 'admin'" in unknown.err
    for name in ("", " ", "---", "a" * 201, "Ben\x1b[31m"):
        assert "--name must be one line of text" in approve(strict, ("sales", name)).err
    assert not (strict.folder / "mappings" / "approvals.toml").exists()
    assert not (strict.folder / "mappings" / "signed").exists()


def test_a_broken_signature_file_stops_at_the_door(strict: Desk) -> None:
    approve(strict, ANN)
    file = strict.folder / "mappings" / "approvals.toml"
    file.write_text(file.read_text().replace('"marketing"', '"marketin"'))

    for verb in (("plan",), ("sync", "--yes"), ("check",), ("agreement", "approve", "--as", "sales", "--name", "Ben")):
        told = strict(*verb)
        assert told.code == 4
        assert "mappings/approvals.toml:5, approval.0.side: " in told.err


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_that_is_not_ours_is_told(strict: Desk) -> None:
    (strict.folder / "mappings").chmod(0o555)

    told = approve(strict, ANN)

    assert (told.code, "Check who may write to this folder" in told.err) == (4, True)


def test_a_full_disk_is_told_and_nothing_is_half_signed(strict: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)

    told = approve(strict, ANN)

    assert told.code == 4
    assert "mappings/approvals.toml: cannot be written: No space left on device." in told.err
    assert not [path for path in (strict.folder / "mappings").iterdir() if "approvals" in path.name]


def test_files_that_change_while_one_reads_are_not_signed(strict: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def meanwhile(_question: str, *, yes: bool) -> None:
        assert yes
        edit(strict, PRICE)

    monkeypatch.setattr("connector.cli.show.ask", meanwhile)

    told = approve(strict, ANN)

    assert (told.code, "The files changed while you were looking at them" in told.err) == (64, True)
    assert read_approvals(strict.folder / "mappings") == ()
    assert list((strict.folder / "mappings" / "signed").iterdir()) == []


# -- where the signatures stand -----------------------------------------------------------------------------------


def test_check_and_status_say_where_the_signatures_stand(strict: Desk) -> None:
    approve(strict, ANN)

    told = strict("check")
    assert told.code == 0
    assert "not signed yet by sales, admin; signed by marketing (Ann Lee, " in told.out
    assert "mode live writes nothing before: the signature of sales and admin" in told.out
    assert "not signed by sales, admin, so mode live writes nothing: connector agreement" in strict("status").out

    sign(strict)
    assert "signed by marketing (Ann Lee, " in strict("check").out
    assert "signed by marketing (Ann Lee, " in strict("status").out
    assert strict("check", "--output", "json").json["signatures"]["missing"] == []


def test_status_works_where_the_agreement_does_not(strict: Desk) -> None:
    edit(strict, ("scoring.toml", "pricing_page = {", "pricing_page = ["))

    told = strict("status")

    assert (told.code, "unknown, the files have 1 problem: connector check" in told.out) == (0, True)


def test_the_commands_name_the_connection_where_there_are_several(strict: Desk) -> None:
    text = strict.config.read_text()
    strict.config.write_text(
        text + text[text.index("[connections.acme]") :].replace("connections.acme", "connections.west")
    )

    told = strict("sync", "--yes", "--connection", "west")

    assert 'approve --as sales --name "..." --connection west' in told.err


def test_the_file_reads_like_something_that_a_person_reviews(strict: Desk) -> None:
    approve(strict, BEN, "--emergency", "--why", "prices moved")

    text = (strict.folder / "mappings" / "approvals.toml").read_text()

    assert text.startswith("# Who signed which version of this agreement.")
    for line in ('side = "sales"', 'name = "Ben Ode"', 'version = "1.0"', 'why = "prices moved"'):
        assert f"\n{line}\n" in text
    (one,) = read_approvals(strict.folder / "mappings")
    assert standing([one], one.fingerprint, "", one.at + timedelta(days=1)).missing == ("marketing", "admin")
    assert Path(strict.folder / "mappings" / "signed" / one.fingerprint / "scoring.toml").is_file()
