"""
The CRMs there are, one line each. Whoever must know which ones, or what one is called, asks here and names none.

Each declares itself in a room of its own, beside this one: what a configuration, a foretelling, a page of codes and a
log must know of it without loading its adapter, which lives under connector.crm.
"""

from __future__ import annotations

from collections.abc import Mapping

from connector.crms.dynamics import DYNAMICS
from connector.crms.hubspot import HUBSPOT
from connector.crms.product import Code, Costs, Product, Versions

__all__ = ["CRMS", "FIRST", "Code", "Costs", "Product", "Versions", "label_of", "labels"]

#: By name.
CRMS: Mapping[str, Product] = {one.name: one for one in (HUBSPOT, DYNAMICS)}

#: The one that is meant where nobody names any, as where a folder has files for several.
FIRST = HUBSPOT.name


def label_of(name: str) -> str:
    """What a CRM is called by those who sell it."""
    return CRMS[name].label if name in CRMS else name


def labels() -> str:
    """All of them in a sentence: one of these."""
    return " or ".join(one.label for one in CRMS.values())
