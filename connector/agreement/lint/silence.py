"""Rules that never speak: shadowed by one above them, stopped by themselves, or about something nobody ever sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.agreement.lint.finding import Finding
from connector.agreement.lint.stages import Order
from connector.agreement.logic import doubles, implies, never_both, stopped
from connector.agreement.places import Places
from connector.agreement.sentences.words import both, either, quoted
from connector.agreement.terms import Agreement, Band, Condition, Exclusion, FastTrack, LostReason
from connector.agreement.words import label_of


def findings(agreement: Agreement, places: Places) -> Iterator[Finding]:
    """Every rule that changes nothing for anybody."""
    yield from _conditions(agreement, places)
    yield from _personas(agreement, places)
    yield from _bands(agreement.bands, places)
    yield from _exclusions(agreement, places)
    yield from _fast_tracks(agreement, places)
    yield from _lost_reasons(agreement.deals.lost_reasons, places)
    yield from _unused(agreement, places)


def all_conditions(agreement: Agreement) -> Iterator[tuple[str, Condition]]:
    """Every condition of the agreement with the key of its rule."""
    for group in agreement.scoring.groups:
        yield from ((rule.path, rule.condition) for rule in group.rules if rule.condition)
    for band in agreement.bands:
        yield from ((f"bands.{band.name}", need) for need in band.needs)
    for persona in agreement.personas:
        yield from ((f"personas.{persona.name}.match", asked) for asked in persona.match)
    yield from ((f"exclusions.{each.name}", each.condition) for each in agreement.exclusions)
    yield from ((f"evidence.{each.name}", each.condition) for each in agreement.evidence if each.condition)
    yield from ((f"lead_types.{each.name}.when", each.when) for each in agreement.lead_types if each.when)
    stops = agreement.audience.nurture.stops
    yield from ((f"nurture.stops_when.{each.name}", each.condition) for each in stops if each.condition)


def _conditions(agreement: Agreement, places: Places) -> Iterator[Finding]:
    """What stops itself, and what is written twice in one condition."""
    for path, condition in all_conditions(agreement):
        dead = stopped(condition)
        if dead and len(dead) == len(condition.values):
            what = (
                f"never holds: every text of contains_any_of is stopped by unless_any_of ({both(map(quoted, dead))})."
            )
            yield Finding("error", places.of(path), what, "Take one of them out.")
        elif dead:
            what = f"{both(map(quoted, dead))} can never be found: unless_any_of stops it."
            yield Finding("warning", places.of(path), what, "Take it out of one of the two.")
        for text in doubles(condition.values) if condition.operator in ("is_any_of", "contains_any_of") else ():
            yield Finding(
                "remark", places.of(path), f"{quoted(text)} is there twice.", "Case and accents do not count."
            )
        if condition.operator == "in_list" and not condition.entries:
            what = f"asks for the list {condition.values[0]}, which is empty, so it never holds."
            yield Finding("warning", places.of(path), what, f"Fill lists/{condition.values[0]}.txt or remove the line.")


def _personas(agreement: Agreement, places: Places) -> Iterator[Finding]:
    dead = set()
    for position, persona in enumerate(agreement.personas):
        above = [(each, asked) for each in agreement.personas[:position] for asked in each.match]
        takers = [next((each for each, other in above if implies(asked, other)), None) for asked in persona.match]
        if persona.match and all(takers):
            dead.add(persona.name)
            first = both(dict.fromkeys(each.label for each in takers if each))
            what = f"nobody is ever {persona.label}: whoever matches is {first} already."
            yield Finding("error", places.of(f"personas.{persona.name}"), what, "Move it up, or narrow the ones above.")
    for path, condition in all_conditions(agreement):
        if condition.field == "persona" and condition.values and {*map(str, condition.values)} <= dead:
            yield Finding("error", places.of(path), "asks for a persona that nobody ever is.", "Mend the persona.")


def _bands(bands: Sequence[Band], places: Places) -> Iterator[Finding]:
    for position, band in enumerate(bands):
        where = places.of(f"bands.{band.name}")
        pairs = [(one, two) for number, one in enumerate(band.needs) for two in band.needs[:number]]
        if any(never_both(one, two) for one, two in pairs):
            yield Finding(
                "error", where, f"no company is ever {band.label}: its needs exclude each other.", "Mend one."
            )
            continue
        taker = next((each for each in bands[:position] if _takes(each, band)), None)
        if taker:
            what = f"no company is ever {band.label}: every one of them is {taker.label} already."
            yield Finding("error", where, what, f"Move it above {taker.name}, or narrow {taker.name}.")


def _takes(above: Band, band: Band) -> bool:
    return all(any(implies(need, other) for need in band.needs) for other in above.needs)


def _exclusions(agreement: Agreement, places: Places) -> Iterator[Finding]:
    order = Order(agreement)
    for position, each in enumerate(agreement.exclusions):
        where, level = places.of(f"exclusions.{each.name}"), order.level(each.blocks)
        beyond = [stage for stage in order.main if stage.used and order.level(stage.name) >= level]
        by_rule = [stage.name for stage in beyond if stage.enter and not stage.enter.deal]
        by_track = [track.to for track in agreement.fast_tracks if order.level(track.to) >= level]
        blocked = order.stages.get(each.blocks)
        if not by_rule and not (each.beats_fast_track and by_track):
            what = f"blocks {order.label(each.blocks)}, where no rule leads: deals and people are never blocked."
            yield Finding("error", where, what, "Block an earlier stage.")
        elif blocked and not blocked.used:
            what = f"blocks {blocked.label}, which is not used; in its place the later stages are blocked."
            yield Finding(
                "warning",
                where,
                what,
                f"Name the first used stage to block, such as {by_rule[0] if by_rule else by_track[0]}.",
            )
        above = next((other for other in agreement.exclusions[:position] if _excludes(other, each, order)), None)
        if above:
            what = f"excludes nobody whom {above.name} does not exclude already."
            yield Finding("warning", where, what, f"Move it above {above.name}, or remove it.")


def _excludes(above: Exclusion, each: Exclusion, order: Order) -> bool:
    as_hard = above.beats_fast_track or not each.beats_fast_track
    return (
        as_hard and order.level(above.blocks) <= order.level(each.blocks) and implies(each.condition, above.condition)
    )


def _fast_tracks(agreement: Agreement, places: Places) -> Iterator[Finding]:
    order = Order(agreement)
    for position, track in enumerate(agreement.fast_tracks):
        above = next((other for other in agreement.fast_tracks[:position] if _overtakes(other, track, order)), None)
        if above:
            what = f"is never taken: {above.name} takes everybody before it."
            yield Finding("error", places.of(f"fast_track.{track.name}"), what, f"Move it above {above.name}.")


def _overtakes(above: FastTrack, track: FastTrack, order: Order) -> bool:
    as_wide = set(above.requires) <= set(track.requires) and above.within_days >= track.within_days
    return above.signal == track.signal and as_wide and order.level(above.to) >= order.level(track.to)


def _lost_reasons(reasons: Sequence[LostReason], places: Places) -> Iterator[Finding]:
    for position, reason in enumerate(reasons):
        asked = Condition("lost_reason", "contains_any_of", reason.phrases)
        for above in reasons[:position]:
            if not above.phrases or (
                reason.phrases and implies(asked, Condition("lost_reason", "contains_any_of", above.phrases))
            ):
                what = f"is never the reason: {above.name} takes these deals before it."
                fix = (
                    f"Move it above {above.name}." if above.phrases else f"Move {above.name} to the end: it takes all."
                )
                yield Finding("error", places.of(f"lost_reasons.{reason.name}"), what, fix)
                break


def _unused(agreement: Agreement, places: Places) -> Iterator[Finding]:
    """What is agreed and asked for by nothing, or never seen in this CRM."""
    crm, seen = agreement.wiring.crm, {source.signal for source in agreement.wiring.signals}
    by_key = [(rule.path, rule.signal) for group in agreement.scoring.groups for rule in group.rules if rule.signal]
    by_key += [(f"evidence.{each.name}", each.signal) for each in agreement.evidence if each.signal]
    by_key += [
        (f"nurture.stops_when.{each.name}", each.signal) for each in agreement.audience.nurture.stops if each.signal
    ]
    by_key += [("bots.clicks", each) for each in agreement.bots.clicks]
    by_key += [(f"lead_types.{each.name}.signals", signal) for each in agreement.lead_types for signal in each.signals]
    by_key += [("bots.delivered", each) for each in [agreement.bots.delivered] if each]
    for path, signal in by_key:
        if signal not in seen:
            what = f"never speaks: nothing in {crm}.toml says how {label_of(signal)} is seen."
            yield Finding("warning", places.of(path), what, f"Say under [signals] of {crm}.toml how {signal} is seen.")
    entries = [stage.enter for stage in agreement.stages if stage.used and stage.enter]
    for name in agreement.minimum_information:
        if name not in {entry.minimum_information for entry in entries}:
            what = "is asked for by no stage."
            fix = f'Write minimum_information = "{name}" in an enter_when, or remove it.'
            yield Finding("warning", places.of(f"minimum_information.{name}"), what, fix)
    wanted = {name for entry in entries for name in entry.evidence}
    every = any(entry.evidence_at_least and not entry.evidence for entry in entries)
    for proof in agreement.evidence:
        if not every and proof.name not in wanted:
            yield Finding(
                "remark", places.of(f"evidence.{proof.name}"), "is asked for by no stage.", "Remove it, or ask."
            )
    clocks = {stage.sla for stage in agreement.stages} | {track.sla for track in agreement.fast_tracks}
    for name in agreement.slas:
        if name not in clocks:
            what, fix = "is the follow-up time of no stage and no fast track.", f'Write sla = "{name}" where it holds.'
            yield Finding("remark", places.of(f"sla.{name}"), what, fix)
    yield from (
        Finding(
            "warning",
            places.of(f"stages.{stage.name}"),
            "hands people over without a follow-up time.",
            f"Add sla = {either(map(quoted, agreement.slas))}.",
        )
        for stage in agreement.stages
        if stage.used and stage.hands_over and not stage.sla and agreement.slas
    )
