"""Chance that repeats itself: the same seed and the same question give the same answer, in any order of asking."""

from __future__ import annotations

from hashlib import blake2b


def share(seed: int, *about: object) -> float:
    """A number from 0 up to (not including) 1 that belongs to this question."""
    text = " ".join(map(str, (seed, *about)))
    return int.from_bytes(blake2b(text.encode(), digest_size=6).digest()) / 2**48
