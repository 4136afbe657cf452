"""Reading ahead: what comes next is on its way while this is worked on, never more than the next few."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from typing import TypeVar

from connector.errors import ConnectorError
from connector.log import carried

K = TypeVar("K")
T = TypeVar("T")
R = TypeVar("R")

_END = object()

#: Seconds between two looks while nothing comes.
GLANCE = 0.5

#: Seconds to wait for the end of a call that nobody needs any more, before it is left to itself.
PATIENCE = 5.0


def ahead(source: Iterable[T], depth: int = 4, look: Callable[[], None] = lambda: None) -> Generator[T, None, None]:
    """Yield from `source`, fetched by another thread at most `depth` items ahead. Its errors arrive here, in order;
    `look` is called now and then while nothing comes, and may raise."""
    waiting: queue.Queue[object] = queue.Queue(maxsize=depth)
    stopped = threading.Event()

    def offer(item: object) -> bool:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def fetch() -> None:
        try:
            for item in source:
                if not offer(item):
                    return
        except BaseException as error:  # noqa: BLE001 - carried to the consumer, who raises it
            offer(_Failure(error))
            return
        offer(_END)

    thread = threading.Thread(target=carried(fetch), name="ahead", daemon=True)
    thread.start()
    stalled = False
    try:
        while True:
            try:
                item = waiting.get(timeout=GLANCE)
            except queue.Empty:
                stalled = True
                look()
                stalled = False
                continue
            if item is _END:
                return
            if isinstance(item, _Failure):
                raise item.error
            yield item  # type: ignore[misc]  # only `source` puts anything else in
    finally:
        stopped.set()
        if not stalled:  # else it hangs in a call that nobody waits for any more
            thread.join(PATIENCE)


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error


def in_groups(items: Iterable[T], size: int, weight: Callable[[T], int]) -> Iterator[list[T]]:
    """As many at a time as weigh so much together. What came before a failure is handed out first: the next run must
    not ask for it again."""
    some: list[T] = []
    weighs = 0
    try:
        for item in items:
            some.append(item)
            weighs += weight(item)
            if weighs >= size:
                yield some
                some, weighs = [], 0
    except ConnectorError:
        if some:
            yield some
        raise
    if some:
        yield some


def in_turn(
    pool: Executor, work: Callable[[T], R], items: Iterable[T], depth: int, look: Callable[[], None] = lambda: None
) -> Iterator[R]:
    """`work` for every item, up to `depth` of them under way beside the one that is asked for, results in order. Where
    the items break off, what was under way is finished first: the next run must not ask for it again."""
    under_way: deque[Future[R]] = deque()
    broke_off: list[ConnectorError] = []
    try:
        for item in _until_failure(items, broke_off):
            under_way.append(pool.submit(carried(work), item))
            if len(under_way) > depth:
                yield result(under_way.popleft(), look)
        while under_way:
            yield result(under_way.popleft(), look)
        for error in broke_off:
            raise error
    finally:
        for future in under_way:
            future.cancel()


def _until_failure(items: Iterable[T], broke_off: list[ConnectorError]) -> Iterator[T]:
    try:
        yield from items
    except ConnectorError as error:
        broke_off.append(error)


@dataclass(frozen=True, slots=True)
class Failed:
    """One of several sources ended early."""

    error: Exception


def together(
    sources: Mapping[K, Callable[[], Iterable[T]]], threads: int, look: Callable[[], None] = lambda: None
) -> Iterator[tuple[K, T | Failed]]:
    """What several sources yield, in the order of each, as it comes; a source that fails says so and is over."""
    waiting: queue.Queue[tuple[K, T | Failed] | None] = queue.Queue(maxsize=threads)
    stopped = threading.Event()

    def offer(item: tuple[K, T | Failed] | None) -> None:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=0.1)
            except queue.Full:
                continue
            return

    def fetch(key: K, source: Callable[[], Iterable[T]]) -> None:
        try:
            for item in source():
                offer((key, item))
                if stopped.is_set():
                    return
        except Exception as error:  # noqa: BLE001 - carried to the consumer, who knows what it means
            offer((key, Failed(error)))
        finally:
            offer(None)

    pool = ThreadPoolExecutor(threads, thread_name_prefix="together")
    left = len([pool.submit(carried(fetch), key, source) for key, source in sources.items()])
    try:
        while left:
            try:
                item = waiting.get(timeout=GLANCE)
            except queue.Empty:
                look()
                continue
            if item is None:
                left -= 1
            else:
                yield item
    finally:
        stopped.set()
        pool.shutdown(wait=False, cancel_futures=True)


def result(future: Future[R], look: Callable[[], None] = lambda: None) -> R:
    """What it comes to; `look` is called now and then while it does not come, and may raise."""
    while True:
        try:
            return future.result(timeout=GLANCE)
        except NotYet:
            if future.done():
                return future.result()  # its own error, which may be a timeout, too
            look()
