"""
When two texts are one value: CRMs keep what was written in a form of their own, which is nobody's edit.

Numbers, dates, flags and choices are compared as what they are (`connector.fields` parses them); what is left here is
text: line ends, blanks at the ends of lines, and telephone numbers, which CRMs like to group in their own way. Pure.
"""

from __future__ import annotations

import re
from typing import Any

_LINE_END = re.compile(r"[^\S\n]*(?:\r\n|\r|\n)")
_PHONE = re.compile(r"(?:\+|00)?[\d\s().\-/]{7,24}")
_DIGITS_OF_A_PHONE = 7


def same_value(one: Any, other: Any) -> bool:
    """Whether two parsed values are the same."""
    if one == other:
        return True
    if not isinstance(one, str) or not isinstance(other, str):
        return False
    return _text(one) == _text(other) or (_phone(one) is not None and _phone(one) == _phone(other))


def _text(raw: str) -> str:
    return _LINE_END.sub("\n", raw).strip()


def _phone(raw: str) -> str | None:
    """A telephone number without its grouping, "+" for the way out of the country; None for anything else."""
    text = raw.strip()
    if not _PHONE.fullmatch(text):
        return None
    digits = re.sub(r"\D", "", text)
    if len(digits) < _DIGITS_OF_A_PHONE:
        return None
    abroad = text.startswith(("+", "00"))
    return f"+{digits.removeprefix('00') if text.startswith('00') else digits}" if abroad else digits
