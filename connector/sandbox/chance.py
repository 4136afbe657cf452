"""Chance that repeats itself: the same seed and the same question give the same answer, in any order of asking."""

from __future__ import annotations

from zlib import crc32


def share(seed: int, *about: object) -> float:
    """A number from 0 up to (not including) 1 that belongs to this question."""
    text = " ".join(map(str, (seed, *about)))
    return crc32(f"{text} {text[::-1]}".encode()) / 2**32
