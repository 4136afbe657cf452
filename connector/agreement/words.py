"""How text is compared: whole words, ignoring case, accents and punctuation."""

from __future__ import annotations

import unicodedata

#: Letters that Unicode does not split into a base and an accent.
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "\u0131": "i"})


def fold(text: str) -> str:
    """Text as rules compare it: "VP, Sales & Köln" and "vp sales koln" are one."""
    plain = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
    kept = (" " if not letter.isalnum() else letter for letter in plain if not unicodedata.combining(letter))
    return " ".join("".join(kept).split())


def label_of(name: str) -> str:
    """A readable id as words."""
    return name.replace("_", " ")


def asset_of(address: str) -> str:
    """A page or form as lists of assets name it: without scheme, "www.", parameters, anchor and the last slash."""
    plain = address.strip().casefold().partition("#")[0].partition("?")[0]
    return plain.removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/")
