"""The verb report: where an account stands and what was observed, as text, JSON or a page; sheets.py has the rest."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import orjson
import typer

from connector.cli import bar, keeping, show
from connector.cli.app import CONFIG, AsOfOption, ConfigOption, ConnectionOption, Listed, app, instant
from connector.cli.opening import Chosen, choose, ledger_of, now
from connector.cli.running import EXIT, how_many
from connector.cli.sessions import offline_session, session_and_account
from connector.errors import UsageError

if TYPE_CHECKING:
    from connector.ledger import Ledger
    from connector.report.baseline import Baseline
    from connector.report.observed import Observations
    from connector.sync import Report

Form = Literal["text", "json", "html"]

FormOption = Annotated[Form, typer.Option("--output", help="Text for people, one JSON object, or an HTML page.")]
FileOption = Annotated[
    Path | None, typer.Option("-o", "--file", help="Write it here instead; a page goes to KIND.html by itself.")
]


class Kinds(Listed):
    """The kinds of report; an unknown one is answered with the list."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the kind that was named. Raises UsageError."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            raise UsageError(f"There is no report {args[0]}; there are: {', '.join(self.commands)}.")
        return super().resolve_command(ctx, args)


reports = typer.Typer(
    cls=Kinds, help="Where the account stands, what was promised and kept, who is blocked.", no_args_is_help=True
)
app.add_typer(reports, name="report")


@reports.command("baseline")
def report_baseline(
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: FormOption = "text",
    file: FileOption = None,
    as_of: AsOfOption = None,
    history: Annotated[
        int, typer.Option("--history", min=0, max=20_000, help="Read the history of so many people, 50 a call.")
    ] = 2_000,
) -> int:
    """Where the account stands today; reads everybody, writes nothing."""
    from connector.report import gathering, page  # noqa: PLC0415 - --help does without
    from connector.report.baseline import baseline  # noqa: PLC0415 - the same

    moment = instant(as_of, "--as-of")
    place = place_of(output, file, "baseline")
    chosen = choose(config, connection)
    with session_and_account(chosen) as (session, account), bar.progress(lambda kind: how_many(session, kind)) as told:
        session.progress = told
        report = gathering.read(session, moment or now(), resume=moment is None)
        if report.status == "deferred":
            return _unfinished(report, output)
        ground = gathering.ground(session, account, report, history=history)
        one = baseline(ground, gathering.everybody(session, report.as_of))
        calls = dict(sorted(session.crm.calls.by_class.items()))
    if output == "html":
        put(page.baseline_page(one, chosen.agreement.zone).encode(), place, "baseline")
    elif output == "json":
        _json(_baseline_as_json(one, report, calls), place, "baseline")
    else:
        _text(one, place)
    return EXIT[report.status]


@reports.command("observed")
def report_observed(
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: FormOption = "text",
    file: FileOption = None,
    as_of: AsOfOption = None,
    since: Annotated[str | None, typer.Option("--since", help="Since this instant; default: --days ago.")] = None,
    days: Annotated[int, typer.Option("--days", min=1, help="How many days back.")] = 14,
) -> None:
    """What would have been handed over, beside what people did; no call."""
    from connector.report import page  # noqa: PLC0415 - --help does without

    moment = instant(as_of, "--as-of") or now()
    begin = instant(since, "--since") or moment - timedelta(days=days)
    if begin >= moment:
        raise UsageError(f"--since {since} lies after the end of the period, {moment:%Y-%m-%dT%H:%M:%SZ}.")
    place = place_of(output, file, "observed")
    chosen = choose(config, connection)
    with ledger_of(chosen) as ledger:
        one = _observed(chosen, ledger, begin, moment)
    if output == "html":
        put(page.observed_page(one, chosen.agreement.zone).encode(), place, "observed")
    elif output == "json":
        _json(_observed_as_json(one), place, "observed")
    else:
        _text(one, place)


def _observed(chosen: Chosen, ledger: Ledger, begin: datetime, moment: datetime) -> Observations:
    """From the ledger alone. A period that began before anybody observed begins with the observing."""
    from connector.report import gathering  # noqa: PLC0415 - --help does without
    from connector.report.observed import observations  # noqa: PLC0415 - the same

    session = offline_session(chosen, ledger)
    known = ledger.runs.connection()
    started = known.observed_since
    begin = max(begin, started) if started is not None and started < moment else begin
    return observations(
        ledger.observations.every(begin),
        gathering.everybody(session, moment),
        chosen.agreement,
        since=begin,
        as_of=moment,
        connection=ledger.connection,
        account=session.account,
        contact_page=str((known.described or {}).get("contact_page") or ""),
    )


# -- where it goes --------------------------------------------------------------------------------------------------


def place_of(output: str, file: Path | None, kind: str) -> Path | None:
    """The file to write, proved to be writable before anything is read; None for stdout."""
    place = Path(f"{kind}.html") if file is None and output == "html" else file
    if place is not None:
        keeping.writable(place, option="--file")
    return place


def put(content: bytes, place: Path | None, kind: str) -> None:
    """Write a file, and say where."""
    if place is None:
        raise UsageError("A page needs a file.")
    keeping.keep(place, content, what=f"the {kind}", option="--file")
    show.say(f"written to {place}", "✓")


def _json(told: dict[str, Any], place: Path | None, kind: str) -> None:
    if place is None:
        show.json(told)
        return
    put(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z) + b"\n", place, kind)


def _text(one: Baseline | Observations, place: Path | None) -> None:
    from rich.text import Text  # noqa: PLC0415 - only for a file

    from connector.cli import telling  # noqa: PLC0415 - --help does without
    from connector.report.baseline import Baseline  # noqa: PLC0415 - the same

    def tell() -> None:
        telling.baseline(one) if isinstance(one, Baseline) else telling.observed(one)

    if place is None:
        tell()
        return
    with show.out.capture() as kept:
        tell()
    put((Text.from_ansi(kept.get()).plain + "\n").encode(), place, "report")


def _unfinished(report: Report, output: Form) -> int:
    """The quota's share was spent before everything was read: what is read stays, and the next try goes on."""
    if output == "json":
        show.json(report.to_json())
    else:
        show.report(report)
    return EXIT["deferred"]


def _baseline_as_json(one: Baseline, report: Report, calls: dict[str, int]) -> dict[str, Any]:
    from connector.report.baseline import headlines  # noqa: PLC0415 - --help does without
    from connector.report.page import as_json  # noqa: PLC0415 - the same

    told = {"kind": "baseline", "headlines": headlines(one), **as_json(one)}
    told["without_owner"], told["owner_left"] = one.without_owner, one.owner_left
    for kept, option in zip(told["writers"]["options"], one.writers.options, strict=True):
        kept["unused"] = option.unused()
    told["run"] = {"run": report.run, "status": report.status, "calls": calls, "seconds": report.seconds}
    return told


def _observed_as_json(one: Observations) -> dict[str, Any]:
    from connector.report.observed import headlines  # noqa: PLC0415 - --help does without
    from connector.report.page import as_json  # noqa: PLC0415 - the same

    return {"kind": "observed", "headlines": headlines(one), **as_json(one)}
