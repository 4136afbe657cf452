"""The chapters of the agreement's document: every sentence where a reader looks for it, with the tables around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC

from connector import crms
from connector.agreement.approvals import SIDES, Standing
from connector.agreement.sentences import (
    Sentence,
    audience,
    follow_up,
    lifecycle,
    people,
    read_back,
    sales,
    scoring,
    wired,
)
from connector.agreement.sentences.words import Words, capital
from connector.agreement.terms import Agreement, Group, Persona, Rule
from connector.agreement.words import fold, label_of
from connector.report.parts import Part, Section, Table
from connector.wording import number

#: Stands for nothing in a cell.
NONE = "\u2013"


class Chapters:
    """Puts the agreement's sentences where a reader looks for them."""

    def __init__(self, agreement: Agreement, signed: Standing) -> None:
        self._agreement = agreement
        self._signed = signed
        self._chapters: dict[str, list[Sentence]] = {}
        for each in read_back(agreement):
            self._chapters.setdefault(each.chapter, []).append(each)
        self._told: set[str] = set()

    def sections(self) -> Iterator[Section]:
        """Every section, in the order in which two teams talk it through; what has no place of its own comes before
        the signatures, so that nothing is left out."""
        body = [
            self._glossary(),
            Section("basics", "How it is to be read", (Part(says=self._all(follow_up.BASICS)),)),
            Section("icp", "Who we sell to: companies", (Part(says=self._all(people.ICP)),), _ICP),
            self._personas(),
            self._signals(),
            self._stages(),
            self._plain("nurture", audience.NURTURE, "What marketing sends to whom, and to whom nothing."),
            self._plain("buying-group", audience.GROUP, "Who must be on a deal."),
            self._plain("lead-types", lifecycle.LEAD_TYPES, "One person may have one path for each of these."),
            *self._scoring(),
            self._plain("fast-tracks", lifecycle.FAST_TRACKS, "What says so much that nobody waits for points."),
            self._plain("exclusions", lifecycle.EXCLUSIONS, "Who is not handed over, whatever the score."),
            self._plain("information", lifecycle.INFORMATION, "What must be known, and what is asked first.", _ASK),
            self._plain("evidence", lifecycle.EVIDENCE, "What proves that a talk is serious."),
            self._plain("statuses", sales.STATUSES, "What sales says of a person that was handed over."),
            self._plain("answers", sales.ANSWERS, "What sales may answer on the record itself."),
            self._reasons(),
            self._plain("deals", sales.DEALS, "What deals say about their people."),
            self._plain("attempts", follow_up.ATTEMPTS, "What counts as having tried."),
            self._plain("sla", follow_up.SLA, "What sales promises: by when.", "Follow-up times and business hours"),
            self._goals(),
        ]
        yield from body
        annex = [self._written(), self._plain("crm", wired.WIRING, _CRM, f"Annex: how it meets {self._crm()}")]
        for chapter in list(self._chapters):
            if chapter not in self._told:
                yield self._plain(_key(chapter), chapter, "")
        yield self._signatures()
        yield from annex

    def _crm(self) -> str:
        return crms.label_of(self._agreement.wiring.crm)

    def _all(self, chapter: str) -> tuple[Sentence, ...]:
        self._told.add(chapter)
        return tuple(self._chapters.get(chapter, ()))

    def _plain(self, key: str, chapter: str, note: str, title: str = "") -> Section:
        says = self._all(chapter)
        return Section(key, title or chapter, (Part(says=says),) if says else (), note)

    # -- sections that are more than their sentences ------------------------------------------------------------------

    def _glossary(self) -> Section:
        paper = self._agreement.paper
        rows = [(term, " ".join(text.split())) for term, text in paper.glossary.items()]
        known = {fold(term) for term, _ in rows}
        rows += [
            (stage.label, stage.means)
            for stage in self._agreement.stages
            if stage.used and stage.means and not {fold(stage.label), fold(label_of(stage.name))} & known
        ]
        return Section("glossary", "Glossary", (Part(facts=tuple((capital(a), b) for a, b in rows)),) if rows else ())

    def _personas(self) -> Section:
        says = self._all(people.PERSONAS)
        parts = []
        for persona in self._agreement.personas:
            rule = tuple(each for each in says if each.path == f"personas.{persona.name}")
            parts.append(Part(persona.label, facts=tuple(_described(persona)), says=rule))
        mine = {f"personas.{persona.name}" for persona in self._agreement.personas}
        rest = tuple(each for each in says if ".".join(each.path.split(".")[:2]) not in mine)
        parts += [Part(says=rest)] if rest else []
        return Section("personas", "Who we sell to: people", tuple(parts), _PERSONAS if parts else "")

    def _signals(self) -> Section:
        kinds = self._agreement.signals.values()
        order = dict.fromkeys([*_JOURNEY, *(kind.journey_stage or "" for kind in kinds)])
        ordered = [kind for stage in order for kind in kinds if (kind.journey_stage or "") == stage]
        rows = [
            (f"signals.{kind.name}", capital(kind.label), kind.journey_stage or NONE, kind.strength) for kind in ordered
        ]
        journey = self._all(audience.JOURNEY)
        parts = self._in_words(people.SIGNALS, ("signal", "stage of the journey", "strength"), rows)
        parts = (*((Part(says=journey),) if journey else ()), *parts)
        return Section("journey", "Buyer's journey and signals", parts, _SIGNALS)

    def _in_words(
        self, chapter: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]], numbers: tuple[int, ...] = ()
    ) -> tuple[Part, ...]:
        """A table with the sentence of each row at its end, found by the path that stands first; other sentences of
        the chapter below it."""
        says = {each.path: each for each in self._all(chapter)}
        table = Table((*head, _WORDS), tuple((*row, _text(says, path)) for path, *row in rows), numbers)
        told = {path for path, *_ in rows}
        rest = tuple(each for path, each in says.items() if path not in told)
        return (*((Part(table=table),) if rows else ()), *((Part(says=rest),) if rest else ()))

    def _stages(self) -> Section:
        says = self._all(lifecycle.STAGES)
        rows = tuple(
            (each.label, each.owner or "nobody", each.means or NONE, _yes(each.hands_over))
            for each in self._agreement.stages
            if each.used
        )
        parts = [Part(table=Table(("stage", "owner", "what it means", "handed to sales"), rows))]
        told: set[str] = set()
        for stage in self._agreement.stages:
            path = f"stages.{stage.name}"
            own = tuple(each for each in says if each.path == path or each.path.startswith(f"{path}."))
            told |= {each.path for each in own}
            parts.append(Part(stage.label, says=own))
        rest = tuple(each for each in says if each.path not in told)
        parts += [Part("Moves back in the CRM", says=rest)] if rest else []
        return Section("stages", "Stages", tuple(parts), _STAGES)

    def _scoring(self) -> Iterator[Section]:
        for side in ("fit", "engagement"):
            says = {each.path: each for each in self._all(scoring.SCORING[side])}
            groups = [group for group in self._agreement.scoring.groups if group.side == side]
            parts = tuple(_group(group, says) for group in groups)
            told = {path for group in groups for path in _paths(group)}
            rest = tuple(each for path, each in says.items() if path not in told)
            parts += (Part(says=rest),) if rest else ()
            yield Section(f"scoring-{side}", f"Score: {side}", parts, _SCORES[side])
        yield self._plain("grades", scoring.GRADES, "How a score is called on the record.", "Score: grades")

    def _reasons(self) -> Section:
        rows = [
            (
                f"rejection_reasons.{each.name}",
                each.label,
                each.fixed_by or "nobody",
                "yes" if each.may_return else "no",
            )
            for each in self._agreement.rejection_reasons
        ]
        parts = self._in_words(sales.REASONS, ("reason", "who fixes it", "may return"), rows)
        return Section("reasons", "Rejection reasons", parts, "Why sales sends somebody back, and whose task that is.")

    def _goals(self) -> Section:
        words = Words(self._agreement)
        rows = [
            (
                f"goals.{one.name}",
                words.metric(one.metric),
                words.amount(one.metric, one.at_least),
                one.period,
                one.owner or "nobody",
            )
            for one in self._agreement.paper.goals
        ]
        parts = self._in_words(follow_up.GOALS, ("what", "at least", "per", "promised by"), rows, (1,))
        return Section("goals", "Goals", parts, "What both sides promise per period.")

    def _written(self) -> Section:
        title = f"Annex: what is written to {self._crm()}"
        return self._plain("written", wired.WRITE_BACK, "Nothing else is ever written.", title)

    def _signatures(self) -> Section:
        signed = {one.side: one for one in self._signed.by}
        rows = []
        for side in SIDES:
            one = signed.get(side)
            what = "the wiring" if side == "admin" else "the rules"
            if one is None:
                rows.append((side, what, "", "", "not signed yet"))
            else:
                note = f"emergency, this side alone: {one.why}" if one.emergency else ""
                rows.append((side, what, one.name, f"{one.at.astimezone(UTC):%d %B %Y}", note or one.fingerprint))
        table = Table(("side", "signs", "name", "date", "under"), tuple(rows))
        note = "A signature is for one fingerprint: a changed rule is another agreement, to be signed anew."
        return Section("signatures", "Signatures", (Part(table=table),), note)


#: The column in which a row is told as a sentence.
_WORDS = "in words"

_JOURNEY = ("awareness", "consideration", "decision", "")
_ICP = "A priority, not a wall. Tried from top to bottom; what is not known leaves the band unknown."
_PERSONAS = "Tried from top to bottom; the first that matches is the person's."
_SIGNALS = "Dated facts about people: how much each says, and where the buyer is who gives it."
_STAGES = "Where a person is for us. What must hold to come in, and what lets somebody fall out again."
_ASK = "Minimum information, and what to ask next"
_CRM = "Which property is which field, which value means what, and how signals are seen. Signed by the administrator."
_SCORES = {
    "fit": "How well company and person fit: 0 to 100 points for what they are.",
    "engagement": "How interested they are: 0 to 100 points for what they do.",
}
_FACTS = {
    "name": "For example",
    "bio": "Who they are",
    "say": "What to say",
    "role": "Role in the buying committee",
    "evidence": "How we know",
}


def _described(persona: Persona) -> Iterator[tuple[str, str]]:
    for name, text in persona.describes.items():
        yield _FACTS.get(name, capital(label_of(name))), " ".join(text.split())


def _paths(group: Group) -> set[str]:
    own = f"{group.side}.{group.name}"
    return {own, *(rule.path for rule in group.rules), *(silent.path for silent in group.inactivity)}


def _group(group: Group, says: Mapping[str, Sentence]) -> Part:
    rows = [
        (capital(rule.label), _points(rule.points), _limit(rule), _fades(rule), _text(says, rule.path))
        for rule in group.rules
    ]
    rows += [
        (capital(each.label), _points(each.points), NONE, NONE, _text(says, each.path)) for each in group.inactivity
    ]
    own = says.get(f"{group.side}.{group.name}")
    table = Table(("rule", "points", "counted", "fades", _WORDS), tuple(rows), (1,))
    return Part(capital(group.label), own.text if own else "", table=table)


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"


def _text(says: Mapping[str, Sentence], path: str) -> str:
    return says[path].text if path in says else ""


def _points(points: float) -> str:
    return f"+{number(points)}" if points > 0 else number(points)


def _limit(rule: Rule) -> str:
    parts = [f"once a {rule.once_per}"] if rule.once_per else []
    parts += [f"{rule.times_at_most} at most"] if rule.times_at_most is not None else []
    parts += [f"last {rule.within_days} days"] if rule.within_days is not None else []
    return ", ".join(parts) or NONE


def _fades(rule: Rule) -> str:
    days = rule.fading.days
    match rule.fading.kind:
        case "after":
            return f"ends after {days} days"
        case "evenly":
            return f"evenly over {days} days"
        case "by_half":
            return f"halves every {days} days"
        case "never":
            return NONE


def _key(chapter: str) -> str:
    return fold(chapter).replace(" ", "-")
