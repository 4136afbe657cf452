"""
The demo: what a new user sees first. A sandbox with invented people, the shipped agreement, and the real verbs.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from pathlib import Path

from connector.cli import run, show
from connector.cli.opening import choose, ledger_of, now, offline_session
from connector.sandbox.server import TOKEN, Sandbox
from connector.sync import Order, Report
from connector.sync.look import Look, Looked

CONFIG = """\
[state]
url = "sqlite:///connector.db"

[connections.demo]
crm = "hubspot"
token = "env:CONNECTOR_DEMO_TOKEN"
base_url = "{url}"
mapping = "shipped"
mode = "live"
go_live = "always"
every = "5m"
require_approval = false
guard = {{ changes_per_run = 10000, changes_per_day = 10000, max_share = 1.0 }}
tasks = {{ per_owner_per_day = 100, per_day = 1000 }}
budget = {{ share = 1.0, daily_floor = 0 }}
"""

HOTTEST = 5


def demonstrate(people: int) -> None:
    """Run the main job end to end and show what came of it."""
    with tempfile.TemporaryDirectory(prefix="connector-demo-") as folder, Sandbox(people=people) as sandbox:
        os.environ["CONNECTOR_DEMO_TOKEN"] = TOKEN
        config = Path(folder) / "config.toml"
        config.write_text(CONFIG.format(url=sandbox.url), encoding="utf-8")
        show.out.print(f"A HubSpot account with {people} invented people answers at {sandbox.url}")
        _step("What is missing in the account?", ["setup", "--yes"], config)
        _step("Do configuration, agreement and account fit together?", ["check"], config)
        _step("What would be written? (the first people of the plan)", ["plan"], config)
        _step("Write it.", ["sync", "--yes"], config)
        _step("And again: a second run writes nothing.", ["sync"], config)
        _results(config)


def _step(title: str, arguments: list[str], config: Path) -> None:
    show.out.rule(f"[bold]{title}[/]", align="left")
    show.out.print(f"[dim]$ connector {' '.join(arguments)}[/]")
    run([*arguments, "--config", str(config)])


def _results(config: Path) -> None:
    """Counts by stage, and the people sales should call first."""
    chosen = choose(config, None)
    with ledger_of(chosen) as ledger:
        session = offline_session(chosen, ledger)
        order = Order("explain", now(), write=False)
        report = Report(0, ledger.connection, session.mode, order.as_of, order.as_of, session.agreement.fingerprint)
        report.run = ledger.runs.recent(1)[0].number
        everyone = Look(session, order, report).at(ledger.mirror.contacts("", 100_000))
    show.out.rule("[bold]Where everybody stands now[/]", align="left")
    stages = Counter(one.decision.tracks[0].stage or "(blank)" for one in everyone)
    order_of = {stage.name: number for number, stage in enumerate(chosen.agreement.stages)}
    most = max(stages.values())
    for stage in sorted(stages, key=lambda name: order_of.get(name, 99)):
        bar = "█" * max(1, round(40 * stages[stage] / most))
        show.out.print(f"  {stage:<14} {stages[stage]:>5,}  {bar}")
    show.out.rule(f"[bold]The {HOTTEST} hottest people in nobody's pipeline yet, and why[/]", align="left")
    for one in _hottest(everyone):
        decision, track = one.decision, one.decision.tracks[0]
        show.out.print(
            f"  contact {one.person.id:<6} grade {decision.score.grade}  fit {decision.score.fit:.0f}  engagement"
            f" {decision.score.engagement:.0f}  {track.stage}"
        )
        show.out.print(f"      {decision.outputs.get('score_reasons') or decision.reason}")


def _hottest(everyone: list[Looked]) -> list[Looked]:
    open_people = [one for one in everyone if one.decision.tracks[0].stage not in ("customer", "opportunity")]
    ranked = sorted(open_people, key=lambda one: (-one.decision.score.engagement, -one.decision.score.fit))
    return ranked[:HOTTEST]
