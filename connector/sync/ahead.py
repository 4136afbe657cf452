"""Reading one step ahead: the next page is on its way while this one is worked on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

_END = object()


def ahead(source: Iterable[T], depth: int = 4) -> Iterator[T]:
    """Yield from `source`, fetched by another thread at most `depth` items ahead. Its errors arrive here, in order."""
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

    thread = threading.Thread(target=fetch, name="ahead", daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            yield item  # type: ignore[misc]  # only `source` puts anything else in
    finally:
        stopped.set()
        thread.join()


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error
