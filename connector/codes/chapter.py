"""What a chapter of codes is, and the sentence that many of them share."""

from __future__ import annotations

from dataclasses import dataclass

from connector.crms import Code


@dataclass(frozen=True, slots=True)
class Chapter:
    """Codes that are met in the same place."""

    title: str
    about: str
    codes: tuple[Code, ...]


#: What to do about whatever the next run does by itself.
ITSELF = "Nothing to do: the next run goes on by itself."
