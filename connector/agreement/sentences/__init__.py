"""
The agreement read back: every rule as one plain English sentence.

People who do not read TOML read these: lint prints them, the SLA document is made of them, and what changed between
two versions is what changed among them. Whatever is in a fingerprint has a sentence; a test sees to it.
"""

from __future__ import annotations

from connector.agreement.sentences import audience, follow_up, lifecycle, people, sales, scoring, wired
from connector.agreement.sentences.words import Sentence, Words
from connector.agreement.terms import Agreement

__all__ = ["Sentence", "read_back"]


def read_back(agreement: Agreement) -> tuple[Sentence, ...]:
    """Every rule of the agreement and of its wiring, chapter by chapter, in each chapter in the order of the file.

    The path of a sentence is the dotted key where the rule stands ("stages.mql.enter_when"); those of the CRM's file
    and of write_back.toml begin with the name of the file, because other files use the same keys.
    """
    words = Words(agreement)
    return (
        *follow_up.basics(agreement),
        *people.sentences(agreement, words),
        *audience.sentences(agreement, words),
        *scoring.sentences(agreement, words),
        *lifecycle.sentences(agreement, words),
        *sales.sentences(agreement, words),
        *follow_up.sentences(agreement, words),
        *wired.sentences(agreement, words),
    )
