"""Where the painting happens: a few worker processes, so that no event loop ever waits for one.

Workers start with the first order and leave when the pool is closed, or when the process
that owns them is gone.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class PainterPool:
    """Runs painting functions aside.

    ``workers`` is the number of processes; 0 paints in one thread of this process, which
    starts at once and suits tests with small pictures.
    """

    def __init__(self, workers: int = 1) -> None:
        self._workers = workers
        self._executor: Executor | None = None

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a module-level function with picklable arguments and give back its result."""
        if self._executor is None:
            self._executor = self._start()
        future = self._executor.submit(function, *args, **kwargs)
        return await asyncio.wrap_future(future)

    async def close(self) -> None:
        """Drop what waits, let what is being painted end, and send the workers home."""
        executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.to_thread(executor.shutdown, wait=True, cancel_futures=True)

    def _start(self) -> Executor:
        if self._workers < 1:
            return ThreadPoolExecutor(max_workers=1, thread_name_prefix="painter")
        return ProcessPoolExecutor(
            max_workers=self._workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin_worker,
        )


def _begin_worker() -> None:
    # Ctrl-C reaches the whole process group; the parent alone decides when a worker leaves.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
