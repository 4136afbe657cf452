"""
What memory a run keeps of what it needs no more.

The C library gives each thread a heap of its own, and of what is freed in one of them little goes back: with a dozen
threads that read pages, a third of what a process holds would be nobody's. Two heaps are no slower here, for the
interpreter lets one thread work at a time.
"""

from __future__ import annotations

import ctypes
import os
import sys

HEAPS = 2

#: M_ARENA_MAX of glibc's malloc.h, and the variable by which whoever runs us may have decided already.
_MOST_HEAPS, _DECIDED = -8, "MALLOC_ARENA_MAX"


def keep_few_heaps() -> None:
    """From now on threads share heaps; call it before they start. Only glibc has to be told."""
    tell = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if tell is not None and _DECIDED not in os.environ:
        tell(_MOST_HEAPS, HEAPS)
