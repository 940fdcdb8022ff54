"""How do processes of this machine share the work, when any of them may die?

Each worker is a process with a pipe of its own, so a death is known to be that of one recording: the others
go on undisturbed, and the worker is replaced. (The pool of the standard library ends all of its processes
when one dies, and does not tell what that one was at.)

Conventions
-----------
A worker ends when whoever started it is gone, however that ended. Ctrl-C is for whoever started it.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from typing import Any, TypeVar

from lsr.errors import BatchError
from lsr.threads import use_one_thread

_UNGUARDED = 97  # how a process ends that was to start more before it had started itself

Result = TypeVar("Result")
_Call = tuple[Future[Any], bytes]


class WorkerDied(BrokenExecutor):
    """The process that was at a call is gone; the message says how it ended."""


class LocalPool(Executor):
    """Processes of this machine, each with linear algebra on one thread.

    Parameters
    ----------
    n_workers : int
        How many; they start with the first calls.

    Notes
    -----
    Where a script makes one without ``if __name__ == "__main__":``, each process would make another while it
    imports the script: it ends instead, and the future of its call raises `BatchError`.
    """

    def __init__(self, n_workers: int) -> None:
        if getattr(multiprocessing.current_process(), "_inheriting", False):  # as multiprocessing itself asks
            os._exit(_UNGUARDED)
        self._context = _context()
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._workers = [_Worker(self._context, self._calls) for _ in range(n_workers)]

    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        """Hand on a call; its future raises `WorkerDied` when the process dies."""
        future: Future[Result] = Future()
        self._calls.put((future, pickle.dumps((fn, args, kwargs))))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers, at once where `cancel_futures` is True."""
        for _ in self._workers:
            self._calls.put(None)
        for worker in self._workers:
            if cancel_futures:
                worker.kill()
        for worker in self._workers:
            if wait:
                worker.join()


class _Worker:
    """One process, replaced when it dies, and the thread that hands calls to it."""

    def __init__(self, context: BaseContext, calls: SimpleQueue[_Call | None]) -> None:
        self._context = context
        self._calls = calls
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._has_begun = False
        self._ends = False
        self._starts = threading.Lock()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while (call := self._calls.get()) is not None and not self._ends:
            future, message = call
            if future.set_running_or_notify_cancel():
                self._answer(future, message)
        self._end()

    def _answer(self, future: Future[Any], message: bytes) -> None:
        try:
            pipe = self._pipe or self._start()
            pipe.send_bytes(message)
            succeeded, value = pickle.loads(pipe.recv_bytes())
        except (EOFError, OSError) as error:
            future.set_exception(self._bury(type(error).__name__))
            return
        except Exception as error:  # what came cannot be unpickled: the call's fault, not the pool's
            future.set_exception(error)
            return
        if succeeded:
            future.set_result(value)
        else:
            future.set_exception(value)

    def _start(self) -> Connection:
        here, there = self._context.Pipe()
        with self._starts:
            if self._ends:
                raise EOFError
            process = self._context.Process(target=_work, args=(there,), daemon=True)  # type: ignore[attr-defined]
            with _deaf_to_interrupts():
                process.start()
            self._process = process  # only now is there one to kill, and to wait for
        there.close()  # or its end would not be seen here
        self._has_begun = False
        here.recv_bytes()
        self._has_begun = True
        self._pipe = here
        return here

    def _bury(self, broken: str) -> Exception:
        """Let go of the dead process, and give an error that says how it ended."""
        process, self._process, self._pipe = self._process, None, None
        if process is None:
            return WorkerDied(broken)
        process.join(5)
        code = process.exitcode
        if code is None:
            process.kill()
            return WorkerDied("it answered no more")
        if code == _UNGUARDED:
            return BatchError(
                "processes start by importing the script that asks for them, and this one asks for more when "
                'it is imported; put what it does below if __name__ == "__main__":'
            )
        if code >= 0 and not self._has_begun:
            return BatchError(
                "processes start by importing the script that asks for them, and that failed; write it to a "
                "file that can be imported, as none from stdin can"
            )
        if code >= 0:
            return WorkerDied(f"it ended with status {code}")
        name = signal.Signals(-code).name if -code in list(signal.Signals) else f"signal {-code}"
        hint = ", as happens when memory runs out" if name == "SIGKILL" else ""
        return WorkerDied(f"it was ended by {name}{hint}")

    def kill(self) -> None:
        """End the process, whatever it is at."""
        with self._starts:
            self._ends = True
            if self._process is not None:
                self._process.kill()

    def _end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.join()

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join()


def _context() -> BaseContext:
    """Choose how processes start: from a server that has imported everything once, where there can be one."""
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lsr.batch.warm"])
    return context


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach.

    A terminal sends it to all of them, and the server that workers come from ignores it only when it has
    imported everything, which takes seconds. What a thread blocks, the processes that it starts block too.
    """
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # the server starts it, and it unblocks the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(pipe: Connection) -> None:
    """Answer calls until nobody asks any more; what a worker process runs."""
    use_one_thread()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    pipe.send_bytes(b"begun")
    while True:
        try:
            message = pipe.recv_bytes()
        except EOFError:
            return
        pipe.send_bytes(_answer_to(message))


def _answer_to(message: bytes) -> bytes:
    try:
        function, args, kwargs = pickle.loads(message)
        return pickle.dumps((True, function(*args, **kwargs)))
    except BaseException as error:
        try:
            answer = pickle.dumps((False, error))
            pickle.loads(answer)
        except Exception:
            answer = pickle.dumps((False, RuntimeError(f"{type(error).__name__}, which cannot be pickled")))
        return answer


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
