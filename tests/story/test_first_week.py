"""
The first weeks on an account with nine years of history, as the README tells them, with the real verbs over HTTP.

Old people with stages and statuses set by hand, custom stages nobody mapped, customers without deals, stale MQLs,
owners who left, and workflows that fire on every change. Nothing may fire that should not. `make check` walks it with
one thousand people, `make story` with twenty thousand.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connector.cli import run
from connector.sandbox import Sandbox
from connector.sandbox.old_account import old_account
from connector.sandbox.records import Source

TOKEN = "pat-eu1-0f9d8c7b-story-only"
PEOPLE = int(os.environ.get("STORY_PEOPLE", "1000"))
READ_ONLY = (
    *("crm.objects.contacts.read", "crm.objects.companies.read", "crm.objects.deals.read", "crm.objects.owners.read"),
    *("crm.schemas.contacts.read", "crm.schemas.companies.read", "crm.schemas.deals.read", "crm.lists.read"),
    *("forms", "sales-email-read", "automation"),
)

#: What an automation, a report or a colleague would notice at once.
NOTICED = ("lifecyclestage", "hs_lead_status")


@dataclass
class Office:
    """The desk of the person who brings the connector in: a folder, a terminal, and the account they must not harm."""

    folder: Path
    sandbox: Sandbox
    say: Callable[[], tuple[str, str]]
    code: int = 0
    changes: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        """The configuration that init wrote."""
        return self.folder / "acme" / "config.toml"

    def __call__(self, *words: str) -> str:
        """Type a command; what it printed, whatever came of it."""
        self.say()
        self.code = run([*words, "--config", str(self.config)])
        out, err = self.say()
        assert "Traceback" not in out + err
        return out + err

    def ask(self, *words: str) -> Any:
        """The one object a command prints."""
        self.say()
        self.code = run([*words, "--output", "json", "--config", str(self.config)])
        return json.loads(self.say()[0])

    def set(self, **settings: str) -> None:
        """Edit settings of the connection, as one would in an editor: uncomment, change, save."""
        lines = self.config.read_text(encoding="utf-8").splitlines()
        for name, value in settings.items():
            at = next(n for n, line in enumerate(lines) if line.lstrip("# ").startswith(f"{name} = "))
            lines[at] = f"{name} = {value}"
        self.config.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def agree(self, file: str, old: str, new: str) -> None:
        """Change a line of the agreement."""
        path = self.config.parent / "mappings" / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    # -- the account ---------------------------------------------------------------------------------------------

    def noticed(self) -> dict[str, dict[str, str]]:
        """Everybody's stage, status and dates of entering stages."""
        return {
            id: {
                name: value
                for name, value in values.items()
                if name in NOTICED or name.startswith(("hs_lifecyclestage_", "hs_v2_date_entered_"))
            }
            for id, values in self.sandbox.world.snapshot(("contacts",))["contacts"].items()
        }

    def tasks(self) -> dict[str, Mapping[str, str]]:
        """The hand-off tasks, by contact."""
        world = self.sandbox.world
        found = {}
        for id, values in world.snapshot(("tasks",))["tasks"].items():
            if "[cx-" in values.get("hs_task_body", ""):
                for contact in world.links.of("tasks", id, "contacts"):
                    assert contact not in found, f"two tasks for {contact}"
                    found[contact] = values
        return found

    def asks_for_a_demo(self, *ids: str) -> None:
        """They fill in the form, now."""
        world = self.sandbox.world
        for id in ids:
            world.submit_form("demo-request", {"email": world.get("contacts", id)["email"]})

    def fresh(self, count: int, *, owner: str) -> list[str]:
        """Leads of an owner without a status, who have never asked for anything."""
        world = self.sandbox.world
        asked = {submission["email"] for submission in self._submissions()}
        found = []
        for row in world.rows("contacts"):
            one = world.values("contacts", row)
            fits = one.get("lifecyclestage") == "lead" and one.get("hubspot_owner_id") == owner
            fits = fits and "email" in one and one["email"].lower() not in asked and not one.get("hs_lead_status")
            if fits:
                found.append(row.id)
            if len(found) == count:
                return found
        raise AssertionError("the account has too few of them")

    def _submissions(self) -> Iterator[Mapping[str, str]]:
        for at, values in self.sandbox.world.population.submissions()["demo-request"]:
            del at
            yield {"email": values.get("email", "").lower()}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """The account, and nothing of ours in it."""
    plenty = {"burst": 1_000_000, "associations_burst": 1_000_000, "search_per_second": 1_000}
    with Sandbox(lambda: old_account(PEOPLE, 7), token=TOKEN, scopes=READ_ONLY, **plenty) as running:
        yield running


@pytest.fixture
def office(
    tmp_path: Path, sandbox: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Office:
    """A folder and the token in the environment."""
    monkeypatch.setenv("HUBSPOT_TOKEN", TOKEN)
    monkeypatch.setattr("connector.crm.hubspot.api.SEARCH", (1_000, 1.0))  # as much as this sandbox allows
    said = capsys.readouterr
    return Office(tmp_path, sandbox, lambda: tuple(said()))  # type: ignore[return-value,arg-type]  # out and err


def test_the_first_weeks_on_an_account_with_nine_years_of_history(office: Office) -> None:
    """Observe, report, scores, live for a scope, live for all; then a mailing, a rule change, a lost ledger."""
    before = office.noticed()
    world = office.sandbox.world

    _look_first(office)
    _observe(office)
    _scores(office)
    assert (office.noticed(), office.tasks()) == (before, {})
    _live(office)
    assert (office.noticed(), office.tasks(), sum(world.enrollments.values())) == (before, {}, 0)

    handed_over = _requests_come_in(office)
    _a_mailing(office, handed_over)
    handed_over = _a_rule_change(office, handed_over)
    _a_lost_ledger(office, handed_over)

    after = office.noticed()
    changed = {id for id in after if after[id] != before[id]} - handed_over
    # "everyone" also means the few without any stage: as many as the guard lets through, and nobody else.
    assert len(changed) <= PEOPLE // 100
    assert not any(before[id].get("lifecyclestage") for id in changed)
    assert all(after[id].get("lifecyclestage") for id in handed_over)


def _look_first(office: Office) -> None:
    """init, check, recipes, baseline, the agreement's own test, a dry run: with read rights only, and no go_live."""
    assert run(["init", str(office.folder / "acme")]) == 0
    office.set(base_url=f'"{office.sandbox.url}"')

    told = office("check")
    assert office.code == 4
    unmapped = sum(1 for one in office.noticed().values() if one.get("lifecyclestage") == "1846021177")
    assert f"{unmapped:,} people have lifecyclestage = '1846021177'" in told
    office.agree("hubspot.toml", '["evangelist", "other"]', '["evangelist", "other", "1846021177", "1846021178"]')
    office.agree("hubspot.toml", "[contact.leave_alone]", '[contact.leave_alone]\nstatus = ["PARKED_BY_ANA"]\n')
    told = office("check")
    assert office.code == 0
    records, calls = re.findall(r"the first read: ([\d,]+) records, about (\d+) calls", told)[0]
    assert int(records.replace(",", "")) > 2 * PEOPLE
    assert int(calls) == pytest.approx(int(records.replace(",", "")) / 100, abs=10)
    assert "of the day's quota; it goes back to 20" in told
    assert "hs_lead_status  on   44100001" in told
    assert run(["init", str(office.config.parent), "--recipes"]) == 0
    assert "Visited pricing" in office.say()[0]

    baseline = office.ask("report", "baseline", "--history", "200")
    assert office.code == 0
    assert baseline["people"] == PEOPLE
    told = office("agreement", "test")
    assert re.search(r"(\d\d) of \1 examples come out as agreed", told)

    told = office("backfill", "--dry-run", "--show", "1")
    assert f"{PEOPLE:,} adopted as they stand; 0 stages, 0 statuses, 0 tasks" in told
    assert "it would hand over" in told
    assert office.sandbox.world.writes == 0


def _observe(office: Office) -> None:
    """The daemon watches; a request comes in; the report sets it beside what people did."""
    office.set(every='"1s"', read='{ settle = "0s", look_back = "0s" }')
    daemon = subprocess.Popen(
        [sys.executable, "-m", "connector", "--log-format", "json", "daemon", "--config", str(office.config)],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _await(daemon, lambda line: line.get("looked_at", 0) >= PEOPLE)
        (asking,) = office.fresh(1, owner="502")
        office.asks_for_a_demo(asking)
        _await(daemon, lambda line: line.get("event") == "run finished" and line.get("looked_at") == 1)
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.communicate(timeout=60)
    assert daemon.returncode == 0

    seen = office.ask("report", "observed")
    assert office.code == 0
    assert [one["person_id"] for one in seen["hand_offs"]] == [asking]
    assert office.sandbox.world.writes == 0


def _await(daemon: subprocess.Popen[str], met: Callable[[dict[str, Any]], bool]) -> None:
    """Read the daemon's log until a line says so."""
    assert daemon.stderr is not None
    for line in daemon.stderr:
        if line.startswith("{") and met(json.loads(line)):
            return
    raise AssertionError("the daemon ended before it said so")


def _scores(office: Office) -> None:
    """Our own properties only: fifty people first, then all; the run after that writes nothing."""
    office.sandbox.hubspot.scopes = None
    office("setup", "--yes")
    office.set(mode='"scores"', go_live=datetime.now(UTC).isoformat())

    canary = office.ask("backfill", "--canary", "50", "--yes")
    everybody = office.ask("backfill")
    again = office.ask("sync")

    assert canary["counts"]["written"] == 50
    assert (everybody["counts"]["written"] > PEOPLE * 3 // 4, everybody["counts"]["rejected"]) == (True, 0)
    assert (again["counts"]["written"], again["status"]) == (0, "done")


def _sign(office: Office, *sides: str) -> None:
    """Somebody of each side signs the agreement as it stands."""
    for side in sides:
        told = office("agreement", "approve", "--as", side, "--name", f"Somebody of {side}", "--yes")
        assert f"{side} has signed version 1.0" in told


def _live(office: Office) -> None:
    """Signed by both sides and by the administrator; first for one country, then for all: adoption writes no stage, no
    status, no task."""
    # The budgets as shipped are for twenty thousand; a smaller account has smaller ones.
    office.set(guard=f"{{ changes_per_run = {PEOPLE // 100}, changes_per_day = {PEOPLE // 40}, max_share = 0.3 }}")
    office.set(tasks='{ per_owner_per_day = 15, per_day = 150, no_owner = "501" }')
    office.set(mode='"live"', go_live=datetime.now(UTC).isoformat(), scope='{ country = ["Germany"] }')
    assert (office.ask("sync")["status"], office.code) == ("refused", 5)
    _sign(office, "marketing", "sales", "admin")
    narrow = office.ask("sync")
    office.set(scope="{}")
    wide = office.ask("sync")

    for report in (narrow, wide):
        assert (report["tasks_created"], report["counts"]["rejected"], report["parked"]) == (0, 0, [])
    assert wide["counts"]["looked_at"] == PEOPLE


def _requests_come_in(office: Office) -> set[str]:
    """Two demo requests, one of a person whose owner has left: handed over once, hers to the queue."""
    (kept,), (left,) = office.fresh(1, owner="503"), office.fresh(1, owner="507")
    office.asks_for_a_demo(kept, left)

    report = office.ask("sync")
    again = office.ask("sync")

    assert (report["tasks_created"], again["tasks_created"]) == (2, 0)
    owners = {id: values["hubspot_owner_id"] for id, values in office.tasks().items()}
    assert owners == {kept: "503", left: "501"}
    return {kept, left}


def _a_mailing(office: Office, handed_over: set[str]) -> None:
    """A quarter of the people click in a newsletter: scores move, nobody is handed over. That a click makes a lead of a
    subscriber is agreed; so many at once wait for a review."""
    world = office.sandbox.world
    now = datetime.now(UTC).isoformat()
    clicked = [row.id for row in world.rows("contacts")][: PEOPLE // 4]
    for id in clicked:
        clicks = int(world.get("contacts", id).get("hs_email_click", "0")) + 2
        counted = {"hs_email_click": str(clicks), "hs_email_last_click_date": now}
        world.write("contacts", id, counted, Source("EMAIL"))

    report = office.ask("sync")

    assert report["counts"]["looked_at"] > PEOPLE // 5
    assert (report["tasks_created"], set(office.tasks())) == (0, handed_over)
    assert [one["cause"] for one in report["parked"]] == ["stages.lead.enter_when"]


def _a_rule_change(office: Office, handed_over: set[str]) -> set[str]:
    """A threshold far too low, for everybody, and signed by both: thousands wait for a review, three fresh
    requests go through. The change is taken back to what was signed before, and nothing of it is left."""
    agreed, too_low = "fit_at_least = 50, engagement_at_least = 40", "fit_at_least = 10, engagement_at_least = 0"
    office.agree("lifecycle.toml", agreed, too_low)
    office.agree("lifecycle.toml", "engagement_below = 25", "fit_below = 5")
    office.agree("agreement.toml", 'apply_to = "new_facts"', 'apply_to = "everyone"')
    three = set(office.fresh(6, owner="504")[3:])
    office.asks_for_a_demo(*three)

    assert (office.ask("sync")["status"], office.code) == ("refused", 5)
    _sign(office, "marketing", "sales")
    flood = office.ask("sync")
    idle = office.ask("sync")

    waiting = {one["cause"]: int(one["people"]) for one in flood["parked"]}
    assert set(waiting) == {"stages.mql.enter_when", "stages.lead.enter_when"}
    assert waiting["stages.mql.enter_when"] > PEOPLE // 4
    assert (len(flood["alerts"]), len(idle["alerts"]), idle["counts"]["looked_at"] < 100) == (1, 0, True)
    assert set(office.tasks()) == handed_over | three
    office.agree("lifecycle.toml", too_low, agreed)
    office.agree("lifecycle.toml", "fit_below = 5", "engagement_below = 25")
    office.agree("agreement.toml", 'apply_to = "everyone"', 'apply_to = "new_facts"')
    taken_back = office.ask("sync")
    assert taken_back["tasks_created"] == 0
    assert [one["cause"] for one in taken_back["parked"]] == ["stages.lead.enter_when"]  # the mailing's, as before
    return handed_over | three


def _a_lost_ledger(office: Office, handed_over: set[str]) -> None:
    """The state is deleted: everybody is adopted again, no task is made twice, no stage or status is written; of
    those whose change waited, the scores are."""
    stood = office.noticed()
    for file in (office.config.parent / "state").glob("connector.db*"):
        file.unlink()

    report = office.ask("sync", "--yes")

    assert report["counts"]["looked_at"] == PEOPLE
    assert (report["tasks_created"], set(office.tasks())) == (0, handed_over)
    assert office.noticed() == stood
    assert report["counts"]["written"] < PEOPLE // 20
