"""
What a number of the reports counts, said once: the names that goals may promise and reports show.

Every metric is a list of people with a date. Entries come from the transition log, the rest from the log of hand-offs
(one row for each cycle); nothing is taken from what stands on a record today.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from connector.agreement.terms import Stage

Unit = Literal["people", "share", "hours"]
Better = Literal["more", "less"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One number: what it is called, what it counts, whose promise it is, and which way is better."""

    name: str
    label: str
    means: str
    unit: Unit = "people"
    side: Literal["marketing", "sales", "both"] = "both"
    better: Better = "more"

    @property
    def promised(self) -> bool:
        """Whether a goal may say at least so much of it."""
        return self.better == "more"


_HAND_OFFS = (
    Metric("hand_offs", "Hand-offs", "cycles handed over to sales", side="marketing"),
    Metric(
        "acceptance_rate",
        "Accepted",
        "hand-offs that sales accepted, of those accepted, returned or rejected",
        "share",
        "marketing",
    ),
    Metric(
        "completeness",
        "Complete",
        "hand-offs for which no field the stage requires and no scored field was unknown",
        "share",
        "marketing",
    ),
    Metric(
        "first_attempt_in_time",
        "First attempt in time",
        "first attempt, contact or answer by the due time, of the due times that were met or missed",
        "share",
        "sales",
    ),
    Metric(
        "decided_rate",
        "Decided",
        "hand-offs that sales accepted, returned or rejected, of those whose first attempt was due",
        "share",
        "sales",
    ),
    Metric(
        "answer_in_time",
        "Answer in time",
        "answers by their due time, of the answers that were given or are overdue",
        "share",
        "sales",
    ),
    Metric(
        "reason_given", "Reason given", "hand-offs returned or rejected with a reason, of all of them", "share", "sales"
    ),
    Metric("connect_rate", "Connected", "hand-offs with a contact, of those with an attempt", "share", "sales"),
    Metric(
        "never_worked",
        "Never worked",
        "hand-offs that ended without one counted attempt, contact or answer",
        side="sales",
        better="less",
    ),
    Metric("returned", "Returned", "hand-offs sent back as not ready", better="less", side="marketing"),
    Metric("rejected", "Rejected", "hand-offs rejected for cause", better="less", side="marketing"),
    Metric("routing_hours", "Without owner", "from the hand-off to an owner, median", "hours", "both", "less"),
    Metric("speed_to_lead", "Speed to lead", "from the signal to the first attempt, median", "hours", "both", "less"),
    Metric("sla_hours", "SLA time", "from having an owner to the first attempt, median", "hours", "sales", "less"),
    Metric("wasted_attempts", "Spent on the excluded", "attempts on people who were excluded later", better="less"),
)  # fmt: skip

#: Every metric of the log of hand-offs, by name.
HAND_OFFS: Mapping[str, Metric] = {one.name: one for one in _HAND_OFFS}


def entries(stage: Stage) -> tuple[Metric, Metric, Metric]:
    """The three metrics of a stage: everybody who entered it, those who did for the first time, and those again."""
    side: Literal["marketing", "sales"] = "marketing" if stage.owner == "marketing" else "sales"
    counted = "by a rule" if side == "marketing" else "by a rule, a deal or a person"
    return (
        Metric(
            stage.name,
            stage.label,
            f"entries into {stage.label} {counted}; passed on a jump by a rule counts, by a deal does not",
            side=side,
        ),
        Metric(f"new_{stage.name}", f"New {stage.label}", "the same, people for the first time", side=side),
        Metric(f"re_{stage.name}", f"Re-{stage.label}", "the same, people who had been there before", side=side),
    )


def known(stages: Iterable[Stage]) -> dict[str, Metric]:
    """Every metric of an agreement with these stages, by name; stages that are not used have none."""
    of_stages = {one.name: one for stage in stages if stage.used for one in entries(stage)}
    return {**of_stages, **HAND_OFFS}
