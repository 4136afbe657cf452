"""
What each part of an agreement allows and the whole makes impossible: stages that wait for each other, a score that
falls and leads up, people who go round.

Only what can never work is refused here; whether it is wise is for `agreement lint`.
"""

from __future__ import annotations

from collections.abc import Mapping

from connector.agreement.reading import Reading
from connector.agreement.source import Source
from connector.agreement.terms import Agreement


def check_reach(agreement: Agreement, source: Source, reading: Reading) -> None:
    """Complain of every stage that nobody can enter, or leave, as it is written."""
    _check_order(agreement, source, reading)
    _check_leaving(agreement, source, reading)


def _check_order(agreement: Agreement, source: Source, reading: Reading) -> None:
    """People go up the funnel: from_stages names what comes before, and somebody must be able to begin."""
    ranks = {stage.name: rank for rank, stage in enumerate(each for each in agreement.stages if not each.side)}
    late: set[str] = set()
    for stage in agreement.stages:
        for each in stage.enter.from_stages if stage.enter else ():
            if ranks.get(each, -1) > ranks.get(stage.name, len(ranks)):
                late.add(stage.name)
                what = f"{stage.name} is entered from {each}, which comes after it."
                fix = "Name stages before it; whoever comes back does so by leave_when, a lead status or a deal."
                reading.complain(source, ("stages", stage.name, "enter_when", "from_stages"), what, fix)
    waiting = _closed(agreement)
    while opened := [name for name, before in waiting.items() if any(each not in waiting for each in before)]:
        for name in opened:
            del waiting[name]
    for name, before in waiting.items():
        if name not in late and name not in before:
            what = f"{name} is entered only from {' or '.join(before)}, and nobody ever gets there."
            fix = "Let one of these stages be entered without from_stages."
            reading.complain(source, ("stages", name, "enter_when", "from_stages"), what, fix)


def _closed(agreement: Agreement) -> dict[str, tuple[str, ...]]:
    """The stages that are entered from other stages only, with these."""
    targets = {track.to for track in agreement.fast_tracks}
    targets |= {status.to for status in agreement.statuses.values() if status.to}
    targets |= {reason.to for reason in agreement.deals.lost_reasons}
    targets |= {stage.leave.to for stage in agreement.stages if stage.leave}
    return {
        stage.name: stage.enter.from_stages
        for stage in agreement.stages
        if stage.enter and stage.enter.from_stages and stage.name not in targets
    }


def _check_leaving(agreement: Agreement, source: Source, reading: Reading) -> None:
    """A score that falls leads down or aside, and never round."""
    ranks = {stage.name: rank for rank, stage in enumerate(each for each in agreement.stages if not each.side)}
    leads = {stage.name: stage.leave.to for stage in agreement.stages if stage.leave}
    for name, to in leads.items():
        path = ("stages", name, "leave_when")
        if name in ranks and ranks.get(to, -1) > ranks[name]:
            reading.complain(
                source, path, f"a falling score would lead up, from {name} to {to}.", "Name an earlier or a side stage."
            )
        elif name in (round_trip := _followed(to, leads)) and name != to:
            way = " to ".join([name, *round_trip[: round_trip.index(name) + 1]])
            reading.complain(source, path, f"people would go round: {way}.", "Let one of them lead elsewhere.")


def _followed(name: str, leads: Mapping[str, str]) -> list[str]:
    """Where somebody ends up who leaves and leaves again."""
    seen: list[str] = []
    while name not in seen:
        seen.append(name)
        name = leads.get(name, name)
    return seen
