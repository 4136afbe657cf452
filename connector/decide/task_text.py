"""
The words of the hand-off task, in the agreement's language: who, why, what to say and ask, until when, how to answer.

Every line of the text stands for itself: one with a place that is empty for this person is left out, so that nobody
reads a question mark.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from datetime import datetime

from connector.agreement.terms import Agreement
from connector.agreement.vocabulary import ANSWERS, FROM_PERSONA
from connector.agreement.words import label_of
from connector.decide.asking import Asking
from connector.decide.office import Office
from connector.decide.reasons import ReasonWriter
from connector.decide.scoring import shown
from connector.decide.walk import CALL_BACK, Walk

_SCORED_LINES = 2  # beside the reason itself: three lines say why


class TaskWriter:
    """Writes subject and body of a task."""

    def __init__(self, agreement: Agreement, office: Office) -> None:
        self._agreement = agreement
        self._office = office
        self._texts = agreement.texts
        self._asking = Asking(agreement)
        self._reasons = ReasonWriter(agreement.scoring.groups)
        self._fast_tracks = {each.name: each for each in agreement.fast_tracks}
        self._by_score = {
            f"stages.{stage.name}.enter_when" for stage in agreement.stages if stage.enter and stage.enter.by_score
        }
        self._fixed = self._labels()
        self._lead_types = {each.name: each.label for each in agreement.lead_types if not each.default}

    def write(self, walk: Walk, due: datetime) -> tuple[str, str]:
        """Subject and body for the person of this walk."""
        places = {**self._fixed, **self._places(walk, due)}
        subject = _tidy(self._texts.subject.format_map(places))
        return subject, _lines(self._texts.body, places)

    def _places(self, walk: Walk, due: datetime) -> dict[str, str]:
        values, facts = walk.facts.values, walk.facts
        name = " ".join(str(values[part]) for part in ("first_name", "last_name") if values.get(part))
        name = name or self._texts.no_name
        title, company = str(values.get("job_title") or ""), str(values.get("company_name") or "")
        persona = facts.persona
        return {
            "who": ", ".join(filter(None, (name, title, company))),
            "name": name,
            "title": title,
            "company": company,
            "stage": walk.stages.label(walk.track.stage),
            "lead_type": self._lead_types.get(walk.track.lead_type, ""),
            "persona": persona.label if persona else "",
            "grade": facts.score.grade,
            "fit": str(shown(facts.score.fit)),
            "engagement": str(shown(facts.score.engagement)),
            "why": self._why(walk),
            "reasons": "\n".join(self._reasons.strongest(facts.scored, _SCORED_LINES)),
            **{place: (persona.describes.get(place) if persona else None) or "" for place in FROM_PERSONA},
            "ask_next": self._question(walk),
            "due": self._moment(due, walk.person.owner_id),
            "record": self._office.page_of(walk.person),
        }

    def _labels(self) -> dict[str, str]:
        """What the properties and answers are called that a rep is asked to use; empty where there are none."""
        mapped = self._agreement.wiring.fields.get("contact", {})
        own = {one.property: one.label for one in self._agreement.wiring.own if one.kind == "contact"}
        names = {
            field: own.get(mapped[field].property, ANSWERS[field].label) if field in mapped else "" for field in ANSWERS
        }
        answers = dict.fromkeys(("accepted", "returned_not_ready", "rejected"), "")
        return names | answers | {each.name: each.label for each in self._agreement.answers.values()}

    def _why(self, walk: Walk) -> str:
        """The reason in the language where the texts know its kind, else as the decision says it."""
        stage = walk.stages.label(walk.track.stage)
        score = walk.facts.score
        kind, places = "", {"stage": stage, "fit": str(shown(score.fit)), "engagement": str(shown(score.engagement))}
        if walk.cause == CALL_BACK and walk.before.call_back_at:
            kind, places["day"] = "call_back", self._day(walk.before.call_back_at)
        elif walk.cause.startswith("fast_track."):
            signal = self._fast_tracks[walk.cause.removeprefix("fast_track.")].signal
            kind, places["signal"] = "fast_track", self._agreement.signals[signal].label
        elif walk.cause in self._by_score:
            kind = "score"
        text = self._texts.why.get(kind)
        return text.format_map(places) if text else walk.reason[:1].upper() + walk.reason[1:]

    def _question(self, walk: Walk) -> str:
        ask = next(iter(self._asking.questions(walk)), None)
        return self._texts.questions.get(ask, label_of(ask)) if ask else ""

    def _moment(self, at: datetime, owner_id: str | None) -> str:
        zone = self._office.zone_of(owner_id, self._agreement.zone)
        local = at.astimezone(zone)
        return f"{self._texts.weekdays[local.weekday()]} {local:%Y-%m-%d %H:%M} ({zone.key})"

    def _day(self, at: datetime) -> str:
        local = at.astimezone(self._agreement.zone)
        return f"{self._texts.weekdays[local.weekday()]} {local:%Y-%m-%d}"


def _lines(text: str, places: Mapping[str, str]) -> str:
    """The lines that have everything they ask for; never two empty ones together."""
    said: list[str] = []
    for line in text.strip().splitlines():
        asked = [name for _, name, _, _ in string.Formatter().parse(line) if name is not None]
        if all(places[name] for name in asked):
            said += line.format_map(places).rstrip().splitlines() or [""]
    kept = [line for number, line in enumerate(said) if line or (number and said[number - 1])]
    return "\n".join(kept).strip()


def _tidy(subject: str) -> str:
    """Without the commas that stood around a missing piece."""
    return " ".join(subject.strip(" ,:").split())
