"""Stages and what moves people between them: entry, exit, fast tracks, exclusions, information, evidence, tracks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.agreement.sentences.audience import questions
from connector.agreement.sentences.words import (
    Sentence,
    Words,
    both,
    capital,
    either,
    fields,
    quoted,
    stop,
    tried_after,
    with_article,
)
from connector.agreement.terms import Agreement, Entry, Evidence, Exclusion, FastTrack, LeadType, Leaving, Stage
from connector.agreement.words import label_of
from connector.wording import counted, number

STAGES = "Stages"
LEAD_TYPES = "Lead types"
FAST_TRACKS = "Fast tracks"
EXCLUSIONS = "Exclusions"
INFORMATION = "Minimum information"
EVIDENCE = "Evidence"


def sentences(agreement: Agreement, words: Words) -> Iterator[Sentence]:
    """Everything in lifecycle.toml that moves people by rule."""
    for position, stage in enumerate(agreement.stages):
        yield from _stage(stage, agreement.stages[:position], f"stages.{stage.name}", "", words)
    for back in agreement.backwards:
        of = either(map(words.stage, back.from_stages))
        how = "cleared first and then set" if back.by == "clear_then_set" else label_of(back.by)
        text = f"From {of} back to {words.stage(back.to)} the CRM's own stage goes back, too: {how}."
        yield Sentence(f"moves.{back.name}", STAGES, text)
    for lead_type in agreement.lead_types:
        yield from _lead_type(lead_type, agreement, words)
    for position, track in enumerate(agreement.fast_tracks):
        text = _fast_track(track, agreement.fast_tracks[:position], words)
        yield Sentence(f"fast_track.{track.name}", FAST_TRACKS, text)
    for position, each in enumerate(agreement.exclusions):
        text = _exclusion(each, agreement.exclusions[:position], words)
        yield Sentence(f"exclusions.{each.name}", EXCLUSIONS, text)
    yield from _information(agreement, words)
    for proof in agreement.evidence:
        yield Sentence(f"evidence.{proof.name}", EVIDENCE, _proof(proof, words))


def _stage(stage: Stage, before: Sequence[Stage], path: str, of: str, words: Words) -> Iterator[Sentence]:
    """A stage, one sentence for each thing agreed about it; `of` a lead type it is different for."""
    chapter = LEAD_TYPES if of else STAGES
    said = [("", _place(stage, before, words))]
    if stage.enter:
        said.append((".enter_when", f"{entering(stage, words)}."))
    if stage.leave:
        said.append((".leave_when", f"{leaving(stage.label, stage.leave, words)}."))
    if stage.stay_at_least_days:
        days = counted(stage.stay_at_least_days, "day")
        said.append((".stay_at_least_days", f"Nobody leaves {stage.label} by a falling score in the first {days}."))
    if stage.hands_over:
        text = f"Entering {stage.label} hands the person to sales, with one task for the owner."
        said.append((".notify", text))
    if stage.sla:
        text = f"Whoever is handed over in {stage.label} is followed up within the time of {label_of(stage.sla)}."
        said.append((".sla", text))
    yield from (Sentence(f"{path}{key}", chapter, f"{of}{text}") for key, text in said)


def _place(stage: Stage, before: Sequence[Stage], words: Words) -> str:
    main = [each for each in before if not each.side]
    if stage.side:
        said = f"{stage.label} stands beside the stages"
    else:
        said = f"{stage.label} comes after {main[-1].label}" if main else f"{stage.label} is the first stage"
    if stage.counts_as:
        said += f" and counts as {words.stage(stage.counts_as)}"
    said += f", owned by {stage.owner}" if stage.owner else ", owned by nobody"
    if not stage.used:
        said += "; it is not used"
    if not stage.may_return:
        said += "; only a person or a deal brings somebody back from it"
    return stop(f"{said}. {capital(stage.means)}" if stage.means else said)


def entering(stage: Stage, words: Words) -> str:
    """When somebody enters a stage, without the full stop."""
    entry = stage.enter or Entry()
    needs = both(_needs(entry, words))
    of = f"{either(map(words.stage, entry.from_stages))} becomes" if entry.from_stages else "Somebody becomes"
    return f"{of} {stage.label} when {needs}"


def _needs(entry: Entry, words: Words) -> list[str]:
    needs = []
    for score, least in (
        ("fit", entry.fit_at_least),
        ("engagement", entry.engagement_at_least),
        ("the combined score", entry.combined_at_least),
    ):
        if least is not None:
            needs.append(f"{score} is at least {number(least)}")
    if entry.minimum_information is not None:
        needs.append(f"the minimum information {quoted(label_of(entry.minimum_information))} is known")
    if entry.known_any_of:
        needs.append(f"{either(fields(entry.known_any_of))} is known")
    if entry.any_positive_signal:
        needs.append("there is a positive signal")
    if entry.accepted_by_sales:
        needs.append("sales accepted the hand-off")
    if entry.evidence_at_least or entry.evidence:
        of = f"from {both(map(words.proof, entry.evidence))}" if entry.evidence else "of the agreed evidence"
        needs.append(f"there are {counted(entry.evidence_at_least, 'proof')} {of}")
    if entry.deal:
        needs.append("a deal is open" if entry.deal == "open" else "a deal was won")
    return needs


def leaving(label: str, leave: Leaving, words: Words) -> str:
    """When somebody leaves a stage because the score fell, without the full stop."""
    below = [
        f"{score} falls below {number(least)}"
        for score, least in (
            ("fit", leave.fit_below),
            ("engagement", leave.engagement_below),
            ("the combined score", leave.combined_below),
        )
        if least is not None
    ]
    when = f"when {either(below)} and nobody in sales is at work" if below else "by no score"
    return f"{label} goes to {words.stage(leave.to)} {when}"


def _lead_type(one: LeadType, agreement: Agreement, words: Words) -> Iterator[Sentence]:
    path = f"lead_types.{one.name}"
    said = f"{one.label} is a lead type"
    if one.default:
        said += ", the one of everybody for whom nothing else is said"
    if one.from_customers:
        said += ", and what customers are interested in next"
    yield Sentence(path, LEAD_TYPES, stop(f"{said}. {capital(one.means)}" if one.means else said))
    if one.when:
        text = f"Somebody is {one.label} from the first sight on when their {words.condition(one.when)}."
        yield Sentence(f"{path}.when", LEAD_TYPES, text)
    if one.signals:
        text = f"{capital(either(map(words.signal, one.signals)))} speaks of {one.label} and of nothing else."
        yield Sentence(f"{path}.signals", LEAD_TYPES, text)
    if one.skips:
        text = f"{one.label} skips {both(map(words.stage, one.skips))}."
        yield Sentence(f"{path}.skips", LEAD_TYPES, text)
    if one.sla:
        text = f"{one.label} is followed up within the time of {label_of(one.sla)}, whatever the stage says."
        yield Sentence(f"{path}.sla", LEAD_TYPES, text)
    order = [stage.name for stage in agreement.stages]
    for stage in one.stages:
        before = agreement.stages[: order.index(stage.name)] if stage.name in order else ()
        yield from _stage(stage, before, f"{path}.stages.{stage.name}", f"For {one.label}: ", words)


def _fast_track(track: FastTrack, before: Sequence[FastTrack], words: Words) -> str:
    said = f"{capital(with_article(words.signal(track.signal)))} of the last {counted(track.within_days, 'day')}"
    said += f" leads straight to {words.stage(track.to)}"
    if track.requires:
        said += f" when {both(fields(track.requires))} {'is' if len(track.requires) == 1 else 'are'} known"
    if track.sla:
        said += f", with the follow-up time of {label_of(track.sla)}"
    return f"{said}{tried_after(label_of(before[-1].name) if before else '')}."


def _exclusion(one: Exclusion, before: Sequence[Exclusion], words: Words) -> str:
    said = f"Nobody whose {words.condition(one.condition)} enters {words.stage(one.blocks)} or a later stage"
    said += " by score" if not one.beats_fast_track else ", not even by a fast track"
    said += f"; the reason shown is {quoted(one.reason)}"
    if one.flag:
        said += f", and a fast track past it warns {quoted(label_of(one.flag))}"
    return f"{said}{tried_after(before[-1].reason if before else '')}."


def _information(agreement: Agreement, words: Words) -> Iterator[Sentence]:
    for name, needs in agreement.minimum_information.items():
        known = both(_one_of(need) for need in needs)
        text = f"The minimum information {quoted(label_of(name))} is {known}."
        yield Sentence(f"minimum_information.{name}", INFORMATION, text)
    if agreement.ask_next:
        order = ", then ".join(fields(agreement.ask_next))
        yield Sentence("ask_next.order", INFORMATION, f"What is not known is asked in this order: {order}.")
    for path, text in questions(agreement.audience.questions, words):
        yield Sentence(path, INFORMATION, text)


def _one_of(need: Sequence[str]) -> str:
    return f"one of {either(fields(need))}" if len(need) > 1 else either(fields(need))


def _proof(proof: Evidence, words: Words) -> str:
    ways = []
    if proof.signal:
        ways.append(f"there was {with_article(words.signal(proof.signal))}")
    if proof.condition:
        ways.append(f"the {words.condition(proof.condition)}")
    within = f" in the last {counted(proof.within_days, 'day')}" if proof.within_days is not None else ""
    return f"{capital(proof.label)} is proved when {either(ways)}{within}."
