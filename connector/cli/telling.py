"""How reports look on a terminal: what stands out first, then one table for each question, the first ten people."""

from __future__ import annotations

from collections.abc import Callable

from connector.agreement.words import label_of
from connector.cli import show
from connector.report import baseline as where_it_stands
from connector.report import observed as what_was_observed
from connector.report.baseline import Baseline
from connector.report.numbers import Named, hours, share, since, times
from connector.report.observed import Observations
from connector.report.standing import StageRow
from connector.report.writers import Option
from connector.wording import people

#: People or rows of a list that a terminal shows.
FIRST = 10

#: Pairs of writers who took back each other's values that a terminal shows.
FLIPS = 5


def baseline(one: Baseline) -> None:
    """Where the account stands."""
    show.out.print(
        f"[bold]Account {one.account}[/], {one.as_of:%Y-%m-%d %H:%M} UTC: {people(one.people)}. Read only; nothing was"
        " written to the CRM."
    )
    if said := where_it_stands.headlines(one):
        show.title("What stands out")
        for text in said:
            show.say(text, "●", indent=2)
    for part in (_requests, _stages, _gaps, _blocking, _writers, _options, _signals, _unknown):
        part(one)
    show.out.print()
    show.say("As a page to pass on: connector report baseline --output html; everything named: --output json")


def _requests(one: Baseline) -> None:
    asked, ever = one.requests, one.requests.ever
    show.title(f"Requests nobody answered ({' or '.join(asked.signals)})")
    if not ever.requests:
        show.say("no request is on record", indent=2)
        return
    rows = [
        (f"last {window.days} days" if window.days else "ever", window.requests, window.unanswered)
        for window in asked.windows
    ]
    show.table(("", "requests", "no answer" if one.measurable else "no answer known"), rows)
    if asked.median_hours is not None:
        show.say(f"where somebody answered, half had waited {hours(asked.median_hours)} or less")
    if asked.with_deal_since:
        show.say(f"{asked.with_deal_since:,} without an answer got a deal afterwards: perhaps it was not logged")
    if asked.excluded:
        show.say(f"{asked.excluded:,} requests of excluded people are left out")
    if not asked.unanswered:
        return
    show.out.print()
    listed = [
        (
            since(each.at, one.as_of),
            label_of(each.signal),
            each.person_id,
            "none" if each.owner == "none" else f"{each.owner_id} (left)" if each.owner == "left" else each.owner_id,
            "deal since" if each.deal_since else "",
            one.page_of(each.person_id),
        )
        for each in asked.unanswered[:FIRST]
    ]
    show.table(("age", "request", "contact", "owner", "", "open"), listed)
    _rest(ever.unanswered)


def _rest(count: int) -> None:
    if count > FIRST:
        show.say(f"… {count - FIRST:,} more; all of them: --output json or html")


def _stages(one: Baseline) -> None:
    show.title("People by stage, since when, and whose")
    columns = ("stage", "people", "share", "median", "p90", "over a year", "since unknown")
    show.table((*columns, "no owner", "owner left"), [_stage(row, one.people) for row in one.stages])


def _stage(row: StageRow, everybody: int) -> tuple[object, ...]:
    note = f" ({row.mapped})" if row.mapped in ("unmapped", "left alone") else ""
    spans = row.spans
    return (
        f"{row.label}{note}",
        row.people,
        share(row.people, everybody),
        f"{spans.median_days:,} days" if spans.median_days is not None else "unknown" if row.stage else "",
        f"{spans.p90_days:,} days" if spans.p90_days is not None else "",
        share(spans.over_a_year, spans.known) if spans.known else "",
        share(row.people - spans.known, row.people) if row.stage else "",
        share(row.without_owner, row.people),
        share(row.owner_left, row.people),
    )


def _gaps(one: Baseline) -> None:
    if not one.gaps:
        return
    show.title("Stages without proof")
    for gap in one.gaps:
        of_them = share(gap.people.count, gap.of)
        show.say(f"{gap.people.count:,} of {gap.of:,} in {gap.label} ({of_them}) {gap.says}", indent=2)
        show.say(_some(gap.people), indent=4)


def _some(people: Named) -> str:
    """The first of them, and how many more."""
    more = f" and {people.count - FIRST:,} more" if people.count > FIRST else ""
    return f"contact {', '.join(people.ids[:FIRST])}{more}"


def _blocking(one: Baseline) -> None:
    blocking = one.blocking
    if blocking is None:
        return
    show.title(f"What keeps people from {blocking.label}")
    show.say(
        f"{blocking.not_yet:,} are not there yet and may get there; {blocking.interested:,} of them are interested"
        f" enough today: {blocking.ready.count:,} meet the whole rule already, {blocking.held_up:,} could if these"
        " fields were known",
        indent=2,
    )
    rows = [
        (each.label, each.holds_up.count, each.frees, each.unknown, _why(each.required, each.points))
        for each in blocking.fields
    ]
    if rows:
        show.table(("unknown field", "holds up", "frees alone", "unknown of all", "why it matters"), rows)
    if blocking.ready.count:
        show.say(f"who meet the rule today and stand lower: {_some(blocking.ready)}", indent=2)


def _why(required: bool, points: float) -> str:
    worth = f"up to {points:g} points" if points else ""
    return ", ".join(filter(None, ("must be known" if required else "", worth)))


def _writers(one: Baseline) -> None:
    found = one.writers
    show.title("Who else writes stage and status")
    if found.sample.unknown:
        show.say(f"unknown: {found.sample.unknown}", indent=2)
    else:
        since_when = f", changed since {found.sample.since:%Y-%m-%d}" if found.sample.since else ""
        show.say(f"from the history of {found.sample.asked:,} of {found.sample.changed:,} people{since_when}", indent=2)
        rows = [
            (each.property, each.by, f"{each.who} {each.name}".strip(), each.recent, each.changes, f"{each.last_at:%F}")
            for each in found.most(FIRST)
        ]
        show.table(("property", "kind", "writer", "in 90 days", "ever", "last"), rows)
        if more := len(found.writers) - len(rows):
            show.say(f"… {more:,} more; all of them: --output json")
        for flip in found.flip_flops[:FLIPS]:
            show.say(
                f"{times(flip.times)}, {flip.property}: {flip.one} set {flip.other}, {flip.two} set {flip.value} again"
                f" ({_some(flip.people)})",
                "●",
                indent=2,
            )
        if (more := len(found.flip_flops) - FLIPS) > 0:
            show.say(f"… {more:,} more pairs of writers; all of them: --output json or html", indent=2)
    _automations(one)


def _automations(one: Baseline) -> None:
    if one.automations.unknown:
        show.say(f"the account's own automations are unknown. {one.automations.unknown}", indent=2)
    for each in one.automations.found:
        state = "on" if each.enabled else "off"
        show.say(f"automation {each.id} {each.name!r} sets {each.property} ({state})", "●", indent=2)


def _options(one: Baseline) -> None:
    unused = [each for each in one.writers.options if each.unused()]
    show.title("Options of stage and status that nobody uses")
    if not unused:
        show.say("every option is held by somebody, or was given within a year", indent=2)
        return
    by_property: dict[str, list[Option]] = {}
    for each in unused:
        by_property.setdefault(each.property, []).append(each)
    for name, options in by_property.items():
        show.say(f"{name}: {', '.join(each.label or each.value for each in options)}", indent=2)


def _signals(one: Baseline) -> None:
    seen = [label_of(name) for name in one.signals if name in one.delivered.names]
    show.title(f"Signals: {len(seen)} of {len(one.signals)} can be seen in this account")
    if seen:
        show.say(", ".join(seen), indent=2)
    for each in one.delivered.unseen:
        show.say(f"{label_of(each.signal)}: {each.why}", "✗", indent=2)


def _unknown(one: Baseline) -> None:
    if not one.unknown:
        return
    show.title("What these numbers do not know")
    for each in one.unknown:
        show.say(f"{each.what}: {each.why}", "note", indent=2)


# -- observed -------------------------------------------------------------------------------------------------------


def observed(one: Observations) -> None:
    """What would have been handed over, beside what people did."""
    show.out.print(
        f"[bold]Account {one.account}[/], {one.since:%Y-%m-%d} to {one.as_of:%Y-%m-%d}. Observed only;"
        " no call was made."
    )
    show.out.print()
    for text in what_was_observed.headlines(one):
        show.say(text, "●", indent=2)
    parts: tuple[Callable[[Observations], None], ...] = (_causes, _hand_offs, _unnoticed)
    for part in parts:
        part(one)


def _causes(one: Observations) -> None:
    if not one.by_cause:
        return
    show.title("By cause")
    rows = [
        (
            row.label,
            row.hand_offs,
            *(row.endings.get(name, 0) for name in one.endings),
            row.worked_before,
            row.deals_since,
        )
        for row in one.by_cause
    ]
    show.table(("cause", "hand-offs", *one.endings, "worked before", "deal since"), rows)


def _hand_offs(one: Observations) -> None:
    if not one.hand_offs:
        return
    show.title("The newest")
    rows = [
        (
            f"{each.at:%m-%d %H:%M}",
            each.person_id,
            each.ending + (", worked before" if each.worked_before else "") + (", deal" if each.deal_since else ""),
            each.owner_id or "none",
            each.stage or "",
            each.reason,
            one.page_of(each.person_id),
        )
        for each in one.hand_offs[:FIRST]
    ]
    show.table(("when", "contact", "outcome", "owner", "stage now", "why", "open"), rows)
    _rest(one.count)


def _unnoticed(one: Observations) -> None:
    if one.unnoticed_deals.count:
        show.title("Deals the agreement did not see coming")
        show.say(_some(one.unnoticed_deals), indent=2)
