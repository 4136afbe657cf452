"""
Ids that an answer says nothing of: asked after again, until it is clear what silence means in this account.

HubSpot names in the errors of a 207 whoever is not there, or has no associations; whoever stands neither there nor
among the results fell out of the answer. An account that names nobody would be asked twice for ever, and is not: once
several at a time have been asked after in vain, silence is its way of saying so.
"""

from __future__ import annotations

#: Questions in a row that bring nothing, after which there is nothing to be had.
FRUITLESS = 2


class Silence:
    """Whether answers of one sort name whom they have nothing to tell of; None: not seen yet. Threads may share it."""

    def __init__(self) -> None:
        self.named: bool | None = None

    def asking(self) -> Asking:
        """Begin to ask."""
        return Asking(self)


class Asking:
    """One round of questions after the same ids."""

    def __init__(self, silence: Silence) -> None:
        self._silence = silence
        self._looks = self._fruitless = 0

    def is_enough(self, asked: int, silent: int) -> bool:
        """Whether to ask no more, after a look at so many that told nothing of so many."""
        self._looks += 1
        self._fruitless = self._fruitless + 1 if self._looks > 1 and silent == asked else 0
        if self._fruitless < FRUITLESS and self._silence.named is not False:
            return False
        if self._silence.named is None and silent > 1:  # one alone may have been lost each time
            self._silence.named = False
        return True
