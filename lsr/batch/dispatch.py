"""Which call runs when, and what if a worker is lost? Each call is tried once more, alone, then given up.

Conventions
-----------
Results come as they are finished. Only so many calls are under way as the engine asks for, so that endless
lists of recordings need no memory, and an interrupted run has little to throw away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from queue import Empty, SimpleQueue
from typing import TypeVar

from lsr.batch.engines import SCHEDULER_GONE, Engine
from lsr.errors import BatchError, WorkerLost

Call = TypeVar("Call")
Result = TypeVar("Result")


def results_of(
    work: Callable[[Call], Result], calls: Iterable[Call], engine: Engine
) -> Iterator[tuple[Call, Result | WorkerLost]]:
    """Do all calls, and give each with its result as it comes.

    Parameters
    ----------
    work : Callable
        A function that workers can import.
    calls : iterable
        What it is called with, one after the other; read only as far as workers are free.
    engine : Engine

    Yields
    ------
    tuple of call and result
        The result is `WorkerLost` where the worker was lost twice.

    Raises
    ------
    BatchError
        The executor takes no more calls.
    Exception
        Whatever else a call raises.
    """
    lost: list[Call] = []
    for call, future in _finished(work, iter(calls), engine, engine.n_at_once):
        if isinstance(_error_of(future), engine.deaths):
            lost.append(call)
        else:
            yield call, future.result()
    for call, future in _finished(work, iter(lost), engine, lambda: 1):
        error = _error_of(future)
        yield call, _given_up(error) if isinstance(error, engine.deaths) else future.result()


def _finished(
    work: Callable[[Call], Result], calls: Iterator[Call], engine: Engine, n_at_once: Callable[[], int]
) -> Iterator[tuple[Call, Future[Result]]]:
    finished: SimpleQueue[Future[Result]] = SimpleQueue()
    under_way: dict[Future[Result], Call] = {}
    are_more = True
    while are_more or under_way:
        while are_more and len(under_way) < n_at_once():
            try:
                call = next(calls)
            except StopIteration:
                are_more = False
                break
            future = _submitted(engine, work, call)
            under_way[future] = call
            future.add_done_callback(finished.put)
        if under_way:
            try:
                future = finished.get(timeout=1.0)  # with a limit, or Ctrl-C would not be heard everywhere
            except Empty:
                continue
            yield under_way.pop(future), future


def _submitted(engine: Engine, work: Callable[[Call], Result], call: Call) -> Future[Result]:
    try:
        return engine.executor.submit(work, call)
    except RuntimeError as error:
        raise BatchError(
            f"the executor takes no more work ({type(error).__name__}); go on with a new one"
        ) from error


def _error_of(future: Future[Result]) -> BaseException | None:
    try:
        return future.exception()
    except CancelledError:
        raise BatchError(SCHEDULER_GONE) from None


def _given_up(error: BaseException | None) -> WorkerLost:
    if isinstance(error, MemoryError):
        how = "memory ran out"
    else:
        how = f"its worker died: {error}" if type(error).__module__.startswith("lsr") else "its worker died"
    return WorkerLost(f"{how}, twice; analyse it alone, on a machine with more memory")
