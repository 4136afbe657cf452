"""
What would change on a person, as a value that can be shown, counted, refused and only then applied. Pure.

    changes.py  one person's change, what is left alone, and both as JSON
    merging.py  a decision against the record, and what we last wrote
    budgets.py  how much of a run may go through: the guard, and the tasks of a day
"""

from connector.plan.budgets import CauseCount, Limits, Parking, TaskBudget, guard, guarded_by, over_task_budget
from connector.plan.changes import ROUTE, SCORES, SHOWN_SCORES, Change, Difference, Held, Set, from_json, to_json
from connector.plan.merging import NO_ECHOES, Echo, Terms, diff, leaving_out, set_by

__all__ = [
    "NO_ECHOES",
    "ROUTE",
    "SCORES",
    "SHOWN_SCORES",
    "CauseCount",
    "Change",
    "Difference",
    "Echo",
    "Held",
    "Limits",
    "Parking",
    "Set",
    "TaskBudget",
    "Terms",
    "diff",
    "from_json",
    "guard",
    "guarded_by",
    "leaving_out",
    "over_task_budget",
    "set_by",
    "to_json",
]
