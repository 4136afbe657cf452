"""One thing that lint has to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from connector.errors import Problem

Severity = Literal["error", "warning", "remark"]

#: The worst first.
SEVERITIES: tuple[Severity, ...] = get_args(Severity)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is odd, where, and what to do; told like the problems of loading."""

    severity: Severity
    where: str  # "mappings/lifecycle.toml:12, stages.mql"
    what: str
    fix: str = ""

    def __str__(self) -> str:
        return str(Problem(self.where, self.what, self.fix))
