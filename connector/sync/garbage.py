"""Keeping the garbage collector away from work that leaves no cycles behind."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the collector of cycles: a chunk of a thousand people is half a million values, all freed by their
    counts when the chunk is done, and looking through them again and again took a fifth of a run's CPU."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
