"""
One measure in a process of its own, with CPU and peak memory of its own: `python measure.py NAME FOLDER URL PEOPLE`.

Prints one JSON object: CPU and wall seconds between start-up and the end of the work, peak memory of the whole
process in bytes, and what the work was.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

Result = dict[str, Any]


class Stopwatch:
    """CPU (all threads) and wall seconds since it was made."""

    def __init__(self) -> None:
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def read(self) -> Result:
        """Both, so far."""
        return {"cpu": time.process_time() - self._cpu, "wall": time.perf_counter() - self._wall}


def peak_memory() -> int:
    """The most this process ever held, in bytes; macOS counts bytes where Linux counts kibibytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main(name: str, folder: str, url: str, people: str) -> None:
    """Run one measure and print what it found."""
    # Imported here, each measure only what it measures: memory is counted with the imports.
    if name in ("plain", "models"):
        import reading as room  # noqa: PLC0415
    elif name == "deciding":
        import deciding as room  # type: ignore[no-redef]  # noqa: PLC0415
    else:
        import running as room  # type: ignore[no-redef]  # noqa: PLC0415
    measure: Callable[[Path, str, int], Result] = getattr(room, name)
    result = measure(Path(folder), url, int(people))
    sys.stdout.buffer.write(orjson.dumps({**result, "memory": peak_memory()}) + b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
