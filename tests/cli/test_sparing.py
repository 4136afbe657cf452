"""What memory a run keeps of what it needs no more."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

#: What the C library tells of its heaps once a piece of code has asked for memory.
_PROGRAM = """
import ctypes, sys, tempfile, threading
from connector.cli.sparing import keep_little
library = ctypes.CDLL(None)
if not hasattr(library, "malloc_info"):
    sys.exit("no glibc")
library.malloc.restype = ctypes.c_void_p
library.fopen.restype = ctypes.c_void_p
keep_little()
{asking}
with tempfile.NamedTemporaryFile() as told:
    stream = ctypes.c_void_p(library.fopen(told.name.encode(), b"w"))
    library.malloc_info(0, stream)
    library.fclose(stream)
    print(told.read().decode())
"""

#: Eight threads at the same time.
_TOGETHER = """
together = threading.Barrier(8)
def ask():
    together.wait()
    for _ in range(1000):
        library.malloc(3000)
threads = [threading.Thread(target=ask) for _ in range(8)]
[one.start() for one in threads]
[one.join() for one in threads]
"""

#: A page of twenty megabytes comes and goes, then one of two stays.
_PAGES = """
library.free(ctypes.c_void_p(library.malloc(20_000_000)))
library.malloc(2_000_000)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="heaps for threads are glibc's way")


def test_lesson_46_threads_share_two_heaps() -> None:
    """Whatever the number of threads, what they freed is there for the others."""
    assert _told_after(_TOGETHER).count("<heap nr=") <= 2


def test_lesson_46_pages_lie_in_no_heap() -> None:
    """However large those before them were: when one is done with, the system has its memory back."""
    (size,) = re.findall(r'<total type="mmap" count="\d+" size="(\d+)"/>', _told_after(_PAGES))

    assert int(size) >= 2_000_000


def _told_after(asking: str) -> str:
    program = _PROGRAM.format(asking=asking)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    if ended.stderr.strip() == "no glibc":
        pytest.skip("another C library, which is told nothing")
    assert ended.stderr == ""
    return ended.stdout
