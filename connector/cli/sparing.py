"""
What memory a run keeps of what it needs no more.

The C library gives each thread a heap of its own, and of what is freed in one of them little goes back: with a dozen
threads that read pages, a third of what a process holds would be nobody's. Two heaps are no slower here, for the
interpreter lets one thread work at a time. Pages are megabytes, and must not lie between small things that stay: what
is large is taken from the system and given back to it. The library does so by itself, until it has seen how large they
are; from then on it would keep them.
"""

from __future__ import annotations

import ctypes
import os
import sys

HEAPS = 2

#: Bytes from which on something is large.
LARGE = 512 * 1024

#: Options of glibc's malloc.h, each with the variable by which whoever runs us may have decided already.
_OPTIONS = {
    "MALLOC_ARENA_MAX": (-8, HEAPS),
    "MALLOC_MMAP_THRESHOLD_": (-3, LARGE),
    "MALLOC_TRIM_THRESHOLD_": (-1, LARGE),
}


def keep_little() -> None:
    """From now on threads share heaps, and what is large goes back; call it before they start. Only glibc has to be
    told."""
    tell = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if tell is None:
        return
    for variable, (option, value) in _OPTIONS.items():
        if variable not in os.environ:
            tell(option, value)
