"""
The demo: what a new user sees first. A sandbox with invented people, the shipped agreement, and the real verbs.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from connector.agreement import Agreement
from connector.cli import run, show
from connector.cli.opening import choose, ledger_of, now
from connector.cli.sessions import offline_session
from connector.crms import Product
from connector.model import Decision
from connector.sandbox.trial import TRIALS
from connector.sync import Order, Report
from connector.sync.look import Look, Looked

CONFIG = """\
[state]
url = "sqlite:///connector.db"

[connections.demo]
crm = "{crm}"
token = "env:CONNECTOR_DEMO_TOKEN"
{address} = "{url}"
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


def demonstrate(product: Product, people: int) -> int:
    """Run the main job end to end and show what came of it. Returns the exit code of the first verb that failed."""
    account, token = TRIALS[product.name](people)
    with tempfile.TemporaryDirectory(prefix="connector-demo-") as folder, account as sandbox:
        os.environ["CONNECTOR_DEMO_TOKEN"] = token
        config = Path(folder) / "config.toml"
        settings = CONFIG.format(crm=product.name, address=product.address, url=sandbox.url)
        config.write_text(settings, encoding="utf-8")
        show.say(f"A {product.label} account with {people} invented people answers at {sandbox.url}.")
        for title, arguments in STEPS:
            if code := _step(title, arguments, config):
                return code
        _results(config)
    show.out.print()
    show.say("Your own account: connector init, then connector check. It only observes until you say otherwise.")
    return 0


STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Make room: the properties that are ours", ("setup", "--yes")),
    ("Do configuration, agreement and account fit?", ("check",)),
    ("What would be written? Two people as an example", ("plan", "--show", "2")),
    ("Write it", ("sync", "--yes")),
    ("And again: a second run writes nothing", ("sync",)),
)


def _step(title: str, arguments: Sequence[str], config: Path) -> int:
    show.heading(title)
    show.out.print(f"[dim]$ connector {' '.join(arguments)}[/]")
    return run([*arguments, "--config", str(config)])


def _results(config: Path) -> None:
    """Counts by stage, and the people sales should call first."""
    chosen = choose(config, None)
    with ledger_of(chosen) as ledger:
        session = offline_session(chosen, ledger)
        order = Order("explain", now(), write=False)
        report = Report(0, ledger.connection, session.mode, order.as_of, order.as_of, session.agreement.fingerprint)
        report.run = ledger.runs.recent(1)[0].number
        everyone = Look(session, order, report).at(ledger.mirror.contacts("", 100_000))
    _stages(everyone, chosen.agreement)
    _hottest(everyone, chosen.agreement)


def _stages(everyone: Sequence[Looked], agreement: Agreement) -> None:
    show.heading("Where everybody stands now")
    counts = Counter(one.decision.tracks[0].stage or "(blank)" for one in everyone)
    most = max(counts.values())
    for name in [stage.name for stage in agreement.stages if stage.name in counts]:
        bar = "█" * max(1, round(44 * counts[name] / most))
        show.out.print(f"  {_label(agreement, name):<24}{counts[name]:>6,}  {bar}")


def _label(agreement: Agreement, name: str | None) -> str:
    return next((stage.label for stage in agreement.stages if stage.name == name), name or "no stage")


def _hottest(everyone: Sequence[Looked], agreement: Agreement) -> None:
    """Who is in nobody's pipeline yet, the most engaged first, with what they did in the order of its weight."""
    show.heading(f"The {HOTTEST} hottest people without a deal, and why")
    open_people = [one for one in everyone if one.decision.tracks[0].stage not in ("customer", "opportunity")]
    ranked = sorted(open_people, key=lambda one: (-one.decision.score.engagement, -one.decision.score.fit))
    for place, one in enumerate(ranked[:HOTTEST], 1):
        decision, track = one.decision, one.decision.tracks[0]
        show.out.print(
            f"  {place}. [bold]contact {one.person.id}[/]  grade {decision.score.grade}, "
            f"{_label(agreement, track.stage)}"
        )
        show.say(_who(one, agreement), indent=5)
        show.say(_did(decision), indent=5)
        if track.handed_over:
            show.say(_call_by(one, agreement), indent=5)


def _who(one: Looked, agreement: Agreement) -> str:
    outputs = one.decision.outputs
    labels = {each.name: each.label for each in agreement.personas}
    persona = labels.get(str(outputs.get("persona")), "Persona unknown")
    band = outputs.get("icp_band")
    return f"{persona}, ICP {band or 'unknown'}, fit {one.decision.score.fit:.0f} of 100"


def _did(decision: Decision) -> str:
    lines = [line for line in decision.score.lines if line.rule.startswith("engagement.") and line.points > 0]
    best = sorted(lines, key=lambda line: -line.points)[:3]
    said = ", ".join(f"{line.because} (+{line.points:.0f})" for line in best)
    return f"engagement {decision.score.engagement:.0f}: {said}"


def _call_by(one: Looked, agreement: Agreement) -> str:
    track = one.decision.tracks[0]
    if track.sla_due_at is None:
        return "handed to sales, and nobody owns them yet: the clock waits for an owner"
    due = track.sla_due_at.astimezone(agreement.zone)
    return f"handed to sales (owner {one.person.owner_id}), first attempt due {due:%a %d %b %H:%M}"
