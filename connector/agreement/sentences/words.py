"""How rules are put into words: lists, numbers, conditions, and what things are called."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connector.agreement.metrics import known
from connector.agreement.terms import Agreement, Condition, Plain
from connector.agreement.words import label_of
from connector.wording import counted, number

#: Entries of a list file that a sentence names; a longer list is counted, and a checksum stands for its contents.
_NAMED = 8


@dataclass(frozen=True, slots=True)
class Sentence:
    """One rule in plain English, with the dotted key where it stands and the chapter it belongs to."""

    path: str
    chapter: str
    text: str


class Words:
    """What the agreement calls its stages, statuses, signals, personas and so on; a name it does not know is said as
    it is."""

    def __init__(self, agreement: Agreement) -> None:
        self._stages = {each.name: each.label for each in agreement.stages}
        self._statuses = {each.name: each.label for each in agreement.statuses.values()}
        self._signals = {each.name: each.label for each in agreement.signals.values()}
        self._evidence = {each.name: each.label for each in agreement.evidence}
        self._deal_stages = {each.name: each.label for each in agreement.deals.stages}
        self._metrics = known(agreement.stages)
        self._values = {
            "persona": {each.name: each.label for each in agreement.personas},
            "icp_band": {each.name: each.label for each in agreement.bands},
            "stage": self._stages,
            "status": self._statuses,
            "rejection_reason": {each.name: each.label for each in agreement.rejection_reasons},
            "sales_answer": {each.name: each.label for each in agreement.answers.values()},
            "lead_type": {each.name: each.label for each in agreement.lead_types},
        }

    def stage(self, name: str) -> str:
        """A stage by its label."""
        return self._stages.get(name) or label_of(name)

    def promise(self, metric: str, at_least: float) -> str:
        """How much of what a goal asks for: people, or a share of them."""
        known = self._metrics.get(metric)
        what = quoted(known.label) if known is not None and known.unit == "share" else self.metric(metric)
        return f"at least {self.amount(metric, at_least)} {what}"

    def share_of(self, metric: str) -> str:
        """What a share is of, for whoever did not write the report; nothing for a number of people."""
        known = self._metrics.get(metric)
        return f" ({known.means})" if known is not None and known.unit == "share" else ""

    def amount(self, metric: str, at_least: float) -> str:
        """A number of people, or a share in percent."""
        known = self._metrics.get(metric)
        is_share = known is not None and known.unit == "share"
        return f"{number(round(at_least * 100, 6))} %" if is_share else number(at_least)

    def metric(self, name: str) -> str:
        """What a goal counts, as the reports call it."""
        known = self._metrics.get(name)
        return known.label if known else label_of(name)

    def status(self, name: str) -> str:
        """A lead status by its label."""
        return self._statuses.get(name) or label_of(name)

    def signal(self, name: str) -> str:
        """A signal by its label."""
        return self._signals.get(name) or label_of(name)

    def proof(self, name: str) -> str:
        """A piece of evidence by its label."""
        return self._evidence.get(name) or label_of(name)

    def deal_stage(self, name: str) -> str:
        """A deal stage by its label."""
        return self._deal_stages.get(name) or label_of(name)

    def value(self, field: str, value: Plain) -> str:
        """A value of a field: by its label where it is one of the agreement's own names, else in quotes."""
        if isinstance(value, str):
            return self._values.get(field, {}).get(value) or quoted(value)
        return ("yes" if value else "no") if isinstance(value, bool) else number(value)

    def condition(self, asked: Condition) -> str:
        """A question about a field: 'job title contains "director" or "vp", unless it contains "assistant"'."""
        said = f"{field(asked.field)} {self._asks(asked)}"
        if asked.unless:
            said += f", unless it contains {either(map(quoted, asked.unless))}"
        return said

    def _asks(self, asked: Condition) -> str:
        values = [self.value(asked.field, each) for each in asked.values]
        match asked.operator:
            case "is_known":
                return "is known"
            case "is_unknown":
                return "is not known"
            case "contains_any_of":
                return f"contains {either(values)}"
            case "at_least":
                return f"is at least {either(values)}"
            case "at_most":
                return f"is at most {either(values)}"
            case "between":
                return f"is between {both(values)}"
            case "in_list":
                return f"is in the list {', '.join(map(str, asked.values))} ({contents(asked.entries)})"
            case "is_any_of":
                return f"is any of {either(values)}"
            case "is":
                return f"is {either(values)}"


def contents(entries: frozenset[str]) -> str:
    """What is in a list: every entry of a short one, the number and a checksum of a long one."""
    if not entries:
        return "which is empty"
    if len(entries) <= _NAMED:
        return f"{counted(len(entries), 'entry', 'entries')}: {', '.join(sorted(entries))}"
    checksum = hashlib.sha256("\n".join(sorted(entries)).encode()).hexdigest()[:6]
    return f"{number(len(entries))} entries, checksum {checksum}"


def quoted(text: str) -> str:
    """Somebody's own words."""
    return f'"{" ".join(text.split())}"'


def capital(text: str) -> str:
    """The text as the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def stop(text: str) -> str:
    """The text with a full stop, where it has no end of its own."""
    text = " ".join(text.split())
    return text if text.endswith((".", "!", "?", '."')) else f"{text}."


def field(name: str) -> str:
    """A field by a readable name."""
    return {"icp_band": "ICP band"}.get(name) or label_of(name)


def fields(names: Iterable[str]) -> list[str]:
    """Fields by readable names."""
    return [field(name) for name in names]


def either(parts: Iterable[str]) -> str:
    """a, b or c"""
    return _joined(list(parts), "or")


def with_article(text: str) -> str:
    """a call, an e-mail"""
    return f"{'an' if text.lower().startswith(('a', 'e', 'i', 'o', 'un')) else 'a'} {text}"


def tried_after(before: str) -> str:
    """Where the first line that holds decides, what stands above is part of the rule."""
    return f" (tried after {before})" if before else ""


def both(parts: Iterable[str]) -> str:
    """a, b and c"""
    return _joined(list(parts), "and")


def _joined(parts: Sequence[str], word: str) -> str:
    if len(parts) < 2:
        return "".join(parts) or "nothing"
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}"


def because(why: str) -> str:
    """The reason that was given for a rule, in brackets."""
    return f" (why: {why.strip()})" if why.strip() else ""
