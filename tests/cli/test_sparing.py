"""What memory a run keeps of what it needs no more."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: Eight threads that each ask for memory at the same time, and how many heaps that made.
_PROGRAM = """
import ctypes, sys, tempfile, threading
from connector.cli.sparing import keep_few_heaps
library = ctypes.CDLL(None)
if not hasattr(library, "malloc_info"):
    sys.exit("no glibc")
keep_few_heaps()
together = threading.Barrier(8)
def ask():
    together.wait()
    for _ in range(1000):
        library.malloc(3000)
threads = [threading.Thread(target=ask) for _ in range(8)]
[one.start() for one in threads]
[one.join() for one in threads]
library.fopen.restype = ctypes.c_void_p
with tempfile.NamedTemporaryFile() as told:
    stream = ctypes.c_void_p(library.fopen(told.name.encode(), b"w"))
    library.malloc_info(0, stream)
    library.fclose(stream)
    print(told.read().decode().count("<heap nr="))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="heaps for threads are glibc's way")
def test_lesson_46_threads_share_two_heaps() -> None:
    """Whatever the number of threads, what they freed is there for the others."""
    ended = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False)
    if ended.stderr.strip() == "no glibc":
        pytest.skip("another C library, which is told nothing")

    assert (ended.stderr, int(ended.stdout) <= 2) == ("", True)
