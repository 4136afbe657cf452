"""
The threads of one connection: several calls under way at once, results in order, and nobody left behind.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from connector.log import carried

A = TypeVar("A")
B = TypeVar("B")


class Threads:
    """Two pools of so many threads each: who writes does not stand in line behind what is read for later."""

    def __init__(self, many: int, name: str) -> None:
        self._many = many
        self._readers = ThreadPoolExecutor(many, thread_name_prefix=name)
        self._writers = ThreadPoolExecutor(many, thread_name_prefix=f"{name}-writing")

    def each(self, work: Callable[[A], B], parts: Iterable[A], *, writing: bool = False) -> Iterator[B]:
        """`work` for every part, several at once, results in order; never far ahead of who reads them."""
        ahead: deque[Future[B]] = deque()
        there = carried(work)
        try:
            for part in parts:
                ahead.append(self._pool(writing).submit(there, part))
                if len(ahead) > self._many:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            # Whoever stops early must not leave calls behind that nobody hears the outcome of.
            wait([future for future in ahead if not future.cancel()])

    def ahead(self, work: Callable[[], B], *, writing: bool = False) -> Future[B]:
        """Start one piece of work now, to be collected later."""
        return self._pool(writing).submit(carried(work))

    def close(self) -> None:
        """Wait for what is under way; what has not begun never will."""
        for pool in (self._readers, self._writers):
            pool.shutdown(wait=True, cancel_futures=True)

    def _pool(self, writing: bool) -> ThreadPoolExecutor:
        return self._writers if writing else self._readers
