"""The reason text on the CRM record: whole points, so that it does not change every day (A14)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from connector.agreement.terms import Group
from connector.decide.scoring import Scored
from connector.model import Line

_LONGEST = 500
_TIMES = "\N{MULTIPLICATION SIGN}"


class ReasonWriter:
    """Writes the reason of a score, group by group in the agreement's order."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self._groups = [(number, group.label) for number, group in enumerate(groups) if group.side == "engagement"]
        self._labels = {rule.path: rule.label for group in groups for rule in group.rules}
        self._labels |= {each.path: each.label for group in groups for each in group.inactivity}

    def text(self, scored: Scored) -> str:
        """Such as "pricing page x3 +34; content +25 (limit); careers page -14; fit 85", at most 500 characters."""
        said: list[str] = []
        for number, label in self._groups:
            lines = scored.spoken[number]
            if lines and lines[-1].rule not in self._labels:  # the line of the group's limit
                said.append(f"{label} {_signed(sum([line.points for line in lines]))} (limit)")
            elif lines:
                said += self._by_rule(lines)
        said.append(f"fit {_whole(scored.score.fit)}")
        text = "; ".join(said)
        return text if len(text) <= _LONGEST else text[: _LONGEST - 3].rsplit(";", 1)[0] + "; …"

    def strongest(self, scored: Scored, most: int) -> list[str]:
        """The rules that gave the most points, of either score, each as one line."""
        points: dict[str, float] = {}
        times: dict[str, int] = {}
        for line in (line for lines in scored.spoken for line in lines if line.rule in self._labels):
            points[line.rule] = points.get(line.rule, 0.0) + line.points
            times[line.rule] = times.get(line.rule, 0) + 1
        best = sorted((rule for rule in points if points[rule] > 0), key=lambda rule: (-points[rule], rule))
        return [_said(self._labels[rule], points[rule], times[rule]) for rule in best[:most]]

    def _by_rule(self, lines: Sequence[Line]) -> list[str]:
        if len(lines) == 1:
            return [_said(self._labels[lines[0].rule], lines[0].points, 1)]
        points: dict[str, list[float]] = {}
        for line in lines:
            points.setdefault(line.rule, []).append(line.points)
        return [_said(self._labels[rule], sum(each), len(each)) for rule, each in points.items()]


@lru_cache(maxsize=16_384)
def _said(label: str, total: float, times: int) -> str:
    """One rule's share, remembered: the same points come again and again."""
    return f"{label}{f' {_TIMES}{times}' if times > 1 else ''} {_signed(total)}"


def _whole(points: float) -> int:
    return int(points + 0.5) if points >= 0 else -int(-points + 0.5)


def _signed(points: float) -> str:
    whole = _whole(round(points, 2))
    return f"+{whole}" if whole >= 0 else f"\N{MINUS SIGN}{-whole}"
