"""Stages that nobody can be in: nothing leads there, or what leads there can never hold."""

from __future__ import annotations

from collections.abc import Iterator

from connector.agreement.highest import highest, highest_combined
from connector.agreement.lint.finding import Finding
from connector.agreement.places import Places
from connector.agreement.sentences.words import either
from connector.agreement.terms import Agreement, Entry, Stage
from connector.wording import number


def findings(agreement: Agreement, places: Places) -> Iterator[Finding]:
    """Stages out of reach, each with the reason."""
    order = Order(agreement)
    seen = {source.signal for source in agreement.wiring.signals}
    shut = {}
    for stage in agreement.stages:
        if not stage.used or stage.enter is None:
            continue
        why = list(_shut(stage, stage.enter, agreement, order, seen))
        shut[stage.name] = bool(why)
        for what, fix in why:
            yield Finding("error", places.of(f"stages.{stage.name}.enter_when"), what, fix)
    reached = _reached(agreement, order, shut)
    for stage in agreement.stages:
        if stage.used and stage.name not in reached and not shut.get(stage.name):
            yield _unreached(stage, reached, order, places)


class Order:
    """How far each stage is: a side stage is as far as the one it counts as."""

    def __init__(self, agreement: Agreement) -> None:
        self.stages = {stage.name: stage for stage in agreement.stages}
        self.main = [stage for stage in agreement.stages if not stage.side]
        self.first = next((stage.name for stage in self.main if stage.used), None)
        self._ranks = {stage.name: rank for rank, stage in enumerate(self.main)}

    def level(self, name: str) -> int:
        """The place in the order; before the first for what has none."""
        stage = self.stages.get(name)
        if stage is None:
            return -1
        return self._ranks.get(stage.counts_as or "", -1) if stage.side else self._ranks[name]

    def may_return(self, name: str) -> bool:
        """Whether rules lead on from a stage."""
        stage = self.stages.get(name)
        return stage is None or not stage.side or stage.may_return

    def label(self, name: str) -> str:
        """What people call the stage."""
        stage = self.stages.get(name)
        return stage.label if stage else name


def _shut(stage: Stage, entry: Entry, agreement: Agreement, order: Order, seen: set[str]) -> Iterator[tuple[str, str]]:
    """Why an entry rule can never hold."""
    asked = (
        ("fit", entry.fit_at_least, highest(agreement, "fit", seen)),
        ("engagement", entry.engagement_at_least, highest(agreement, "engagement", seen)),
        ("the combined score", entry.combined_at_least, highest_combined(agreement, seen)),
    )
    for score, wanted, best in asked:
        if wanted is not None and wanted > best:
            what = f"asks for {score} of at least {number(wanted)}, and the rules give no more than {number(best)}."
            yield what, "Lower it, or let the rules and the limits of their groups give more."
    if entry.from_stages and not any(_leads_up(name, stage, order) for name in entry.from_stages):
        whom = either(map(order.label, entry.from_stages))
        what = f"is entered only from {whom}, from where no rule leads up to {stage.label}."
        yield what, "Name a used stage that comes before it."
    if entry.accepted_by_sales and not any(status.accepts for status in agreement.statuses.values()):
        yield "asks for acceptance by sales, and no lead status accepts.", "Set accepts = true on a lead status."
    elif entry.accepted_by_sales and not (
        agreement.fast_tracks or any(each.hands_over for each in order.main if each.used)
    ):
        yield "asks for acceptance by sales, and nobody is handed over.", 'Set notify = "sales_task" on a stage.'
    if entry.any_positive_signal and not any(
        kind.positive and kind.name in seen for kind in agreement.signals.values()
    ):
        yield "asks for a positive signal, and none is seen in this CRM.", "Say under [signals] how one is seen."
    proofs = [each for each in agreement.evidence if not entry.evidence or each.name in entry.evidence]
    there = [each for each in proofs if each.condition or each.signal in seen]
    if entry.evidence_at_least > len(there):
        lost = either(each.label for each in proofs if each not in there)
        what = f"asks for {entry.evidence_at_least} proofs, and this CRM never shows {lost}."
        yield what, "Say how these signals are seen, or ask for fewer."


def _leads_up(name: str, to: Stage, order: Order) -> bool:
    there = order.stages.get(name)
    return there is not None and there.used and order.level(name) < order.level(to.name) and order.may_return(name)


def _reached(agreement: Agreement, order: Order, shut: dict[str, bool]) -> set[str]:
    """Every stage that something leads to, beginning with whoever is in none."""
    reached = {order.first} if order.first else set()
    reached |= {track.to for track in agreement.fast_tracks}
    reached |= {status.to for status in agreement.statuses.values() if status.to}
    reached |= {reason.to for reason in agreement.deals.lost_reasons}
    while True:
        more = {stage.leave.to for stage in agreement.stages if stage.leave and stage.name in reached}
        more |= {
            stage.name
            for stage in agreement.stages
            if stage.used and stage.enter and not stage.side and not shut.get(stage.name)
            if not stage.enter.from_stages or any(name in reached for name in stage.enter.from_stages)
        }
        if more <= reached:
            return {name for name in reached if name}
        reached |= more


def _unreached(stage: Stage, reached: set[str], order: Order, places: Places) -> Finding:
    if stage.enter and stage.enter.from_stages and not stage.side:
        whom = either(order.label(name) for name in stage.enter.from_stages)
        what = f"is entered only from {whom}, and nobody ever gets there."
        return Finding("error", places.of(f"stages.{stage.name}.enter_when"), what, "Name a stage that people are in.")
    what = f"nothing leads to {stage.label}: no entry, fast track, lead status, fading or lost deal."
    fix = "Give it enter_when, or set used = false; without that only people can set it."
    return Finding("warning", places.of(f"stages.{stage.name}"), what, fix)
