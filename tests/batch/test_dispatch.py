"""A lost worker costs only what it was at."""

import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor

import pytest

from lsr.batch.dispatch import results_of
from lsr.batch.engines import Engine, given_engine, local_engine
from lsr.batch.local import LocalPool
from lsr.errors import BatchError, WorkerLost


def _kill_if_negative(number):
    if number < 0:
        raise BrokenExecutor("killed")
    return number


def test_a_call_that_loses_its_worker_twice_is_given_up():
    with ThreadPoolExecutor(2) as threads, given_engine(threads) as engine:
        results = dict(results_of(_kill_if_negative, [1, -2, 3], engine))
    assert results[1] == 1
    assert results[3] == 3
    assert isinstance(results[-2], WorkerLost)


def test_a_call_that_loses_its_worker_once_is_done_alone_at_the_end():
    under_way, tried = [], []

    def once(number):
        under_way.append(number)
        tried.append(number)
        alone = under_way == [number]
        time.sleep(0.01)
        under_way.remove(number)
        if tried.count(number) == 1 and number % 2:
            raise MemoryError
        return number, alone

    with ThreadPoolExecutor(4) as threads, given_engine(threads) as engine:
        results = [result for _, result in results_of(once, range(8), engine)]
    assert {number for number, _ in results[:4]} == {0, 2, 4, 6}
    assert sorted(results[4:]) == [(1, True), (3, True), (5, True), (7, True)]


def test_endless_calls_are_read_only_as_far_as_workers_are_free():
    read = []

    def calls():
        for number in range(1000):
            read.append(number)
            yield number

    with ThreadPoolExecutor(2) as threads, given_engine(threads, 3) as engine:
        results = results_of(abs, calls(), engine)
        for _ in range(5):
            next(results)
        results.close()
    assert len(read) <= 8


def test_an_executor_that_is_shut_down_is_told():
    threads = ThreadPoolExecutor(1)
    threads.shutdown()
    with given_engine(threads) as engine, pytest.raises(BatchError, match="takes no more work"):
        list(results_of(abs, [1], engine))


def test_what_a_scheduler_gives_up_ends_the_run():
    class GivesUp(ThreadPoolExecutor):
        def submit(self, function, *arguments):
            future = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            return future

    engine = Engine(executor=GivesUp(1), n_at_once=lambda: 1, deaths=(BrokenExecutor,))
    with pytest.raises(BatchError, match="scheduler is gone"):
        list(results_of(abs, [1], engine))


@pytest.mark.slow
def test_processes_that_die_are_replaced_and_tell_how_they_died():
    calls = [(signal.SIGKILL, "memory"), (signal.SIGSEGV, "SIGSEGV")]
    pool = LocalPool(2)
    try:
        deaths = [pool.submit(signal.raise_signal, number) for number, _ in calls]
        lives = [pool.submit(abs, -number) for number in range(6)]
        for death, (_, word) in zip(deaths, calls, strict=True):
            with pytest.raises(BrokenExecutor, match=word):
                death.result(60)
        assert [one.result(60) for one in lives] == list(range(6))
        assert pool.submit(os.getpid).result(60) != os.getpid()
        assert pool.submit(os.getenv, "OMP_NUM_THREADS").result(60) == "1"
        with pytest.raises(ZeroDivisionError):
            pool.submit(divmod, 1, 0).result(60)
    finally:
        pool.shutdown()


_WHILE_IT_STARTS = """
import os, sys, time
from multiprocessing import forkserver
from lsr.batch.local import LocalPool

if __name__ == "__main__":
    pool = LocalPool(1)
    future = pool.submit(abs, -7)
    while (server := forkserver._forkserver._forkserver_pid) is None:
        time.sleep(0.01)
    time.sleep(0.3)
    os.kill(server, int(sys.argv[1]))
    print(future.exception(60) or future.result())
    pool.shutdown()
"""


@pytest.mark.slow
@pytest.mark.parametrize(("number", "comes"), [(signal.SIGINT, "7\n"), (signal.SIGTERM, "EOFError\n")])
def test_while_processes_start_an_interrupt_does_not_reach_them_and_an_end_is_told(tmp_path, number, comes):
    script = tmp_path / "script.py"
    script.write_text(_WHILE_IT_STARTS)
    command = [sys.executable, script, str(int(number))]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert (ended.stdout, ended.stderr) == (comes, "")


@pytest.mark.slow
@pytest.mark.slow
def test_a_process_outlives_calls_that_are_cancelled_or_fail():
    """Planted: a call that leaves, a result and an error that cannot be sent; the same process goes on."""
    with LocalPool(1) as pool:
        first = pool.submit(os.getpid).result(60)
        pool.submit(time.sleep, 0.1)
        cancelled = pool.submit(os.getpid)
        assert cancelled.cancel()
        with pytest.raises(SystemExit):
            pool.submit(sys.exit, 3).result(60)
        with pytest.raises((AttributeError, pickle.PicklingError)):
            pool.submit(eval, "lambda: 1").result(60)
        with pytest.raises(RuntimeError, match="Odd, which cannot be pickled"):
            pool.submit(exec, "class Odd(Exception): pass\nraise Odd").result(60)
        assert pool.submit(os.getpid).result(60) == first


def test_an_error_ends_processes_at_once():
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), local_engine(1) as engine:  # noqa: PT012
        engine.executor.submit(os.getpid).result(60)
        engine.executor.submit(time.sleep, 120)
        time.sleep(0.2)
        raise KeyboardInterrupt
    assert time.monotonic() - began < 60
