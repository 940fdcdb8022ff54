"""Who does the work: processes here, a Dask cluster, or any executor? All are `concurrent.futures.Executor`.

Conventions
-----------
An engine says how many calls are to be under way, and which errors mean that a worker was lost rather than
that a call failed. Whoever makes an engine ends it, by its ``with`` statement; an error ends it at once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lsr.batch.local import LocalPool
from lsr.errors import BatchError

_AHEAD = 2  # calls per worker: one at work, one that waits for it
_ASK_EVERY_S = 2.0
SCHEDULER_GONE = "the scheduler is gone, or gave the work up; start it again, then go on with --resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """An executor, and what has to be known about it."""

    executor: Executor
    n_at_once: Callable[[], int]  # calls to be under way
    deaths: tuple[type[BaseException], ...]  # what a future raises when its worker is lost


@contextmanager
def local_engine(jobs: int | None = None) -> Iterator[Engine]:
    """Give processes of this machine.

    Parameters
    ----------
    jobs : int | None
        How many; None: one for each core that this process may use.
    """
    n_workers = jobs or available_cores()
    pool = LocalPool(n_workers)
    try:
        yield Engine(
            executor=pool, n_at_once=lambda: _AHEAD * n_workers, deaths=(BrokenExecutor, MemoryError)
        )
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()


@contextmanager
def given_engine(executor: Executor, n_at_once: int | None = None) -> Iterator[Engine]:
    """Use an executor that somebody else made, and ends.

    Parameters
    ----------
    executor : Executor
    n_at_once : int | None
        How many calls are to be under way; None: four for each core of this machine.
    """
    n = n_at_once or 4 * available_cores()
    yield Engine(executor=executor, n_at_once=lambda: n, deaths=(BrokenExecutor, MemoryError))


@contextmanager
def dask_engine(address: str) -> Iterator[Engine]:
    """Use the workers of a running Dask cluster.

    Parameters
    ----------
    address : str
        Of its scheduler, as in ``tcp://host:8786``.

    Raises
    ------
    BatchError
        Dask is not installed, the address is none, or nothing answers there.
    """
    try:
        from distributed import Client, KilledWorker
        from distributed.comm.addressing import get_address_host_port
    except ImportError:
        raise BatchError("--scheduler needs Dask: pip install '.[dask]' in lsr's folder") from None
    try:
        get_address_host_port(address)  # asked before: a client of such an address cannot be closed
    except ValueError as error:
        raise BatchError(
            f"{address!r}: no Dask scheduler answers: {error}; write its address as in tcp://host:8786"
        ) from None
    try:
        client: Any = Client(address, timeout="10s", set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as error:
        raise BatchError(
            f"{address}: no Dask scheduler answers ({type(error).__name__}); start one with 'dask scheduler'"
        ) from None
    with client:
        executor = client.get_executor(pure=False)
        n_threads = _Threads(client)
        try:
            yield Engine(
                executor=executor,
                n_at_once=lambda: _AHEAD * n_threads(),
                deaths=(BrokenExecutor, MemoryError, KilledWorker),
            )
        finally:
            executor.shutdown(wait=False)


class _Threads:
    """How much the workers of a cluster can do at once, asked for now and then: they come and go."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._n = 0
        self._asked_s = -_ASK_EVERY_S

    def __call__(self) -> int:
        """Count the threads."""
        now_s = time.monotonic()
        if now_s - self._asked_s >= _ASK_EVERY_S:
            try:
                workers = self._client.scheduler_info(n_workers=-1)["workers"]
            except (OSError, TimeoutError, KeyError):
                raise BatchError(SCHEDULER_GONE) from None
            self._n = sum(int(worker["nthreads"]) for worker in workers.values())
            self._asked_s = now_s
        return max(1, self._n)


def available_cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
