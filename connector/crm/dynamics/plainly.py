"""
Questions about definitions, asked again in plainer words where an environment does not understand all of them.

Which facts a table or a column tells grows from version to version; what reading and writing cannot do without is
little, and is always there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from connector.crm.dynamics.api import Call
from connector.crm.dynamics.refusals import Refused

A = TypeVar("A")

#: The statuses of a question that is not understood.
NOT_UNDERSTOOD = frozenset({400, 501})

_SHAPE = ("$select", "$expand")


def plainly(ask: Callable[[Call], A], call: Call, select: str) -> A:
    """The answer to a question; where not all of its facts are known there, to one for those of `select` alone."""
    try:
        return ask(call)
    except Refused as error:
        if error.status not in NOT_UNDERSTOOD:
            raise
    rest = [(name, value) for name, value in call.query if name not in _SHAPE]
    return ask(replace(call, query=(("$select", select), *rest)))
