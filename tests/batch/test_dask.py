"""A real scheduler and two worker processes do the same work, and one of them may die."""

import csv
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from lsr.batch import run_batch
from lsr.errors import BatchError

pytestmark = pytest.mark.slow


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two workers: its address, and the processes of the workers."""
    pytest.importorskip("distributed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    module, quiet = [sys.executable, "-m"], {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = [
        "distributed.cli.dask_scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-dashboard",
    ]
    worker = ["distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    processes = [subprocess.Popen([*module, *scheduler], **quiet)]
    for name in ("one", "two"):
        folder = ["--local-directory", str(tmp_path / name)]
        processes.append(subprocess.Popen([*module, *worker, *folder], **quiet))
    yield address, processes
    for process in processes:
        process.kill()
        process.wait()


def _wait_for_workers(address):
    from distributed import Client

    with Client(address, timeout="60s", set_as_default=False) as client:
        client.wait_for_workers(2, timeout=120)


def test_a_cluster_that_loses_a_worker_leaves_the_same_bytes(cluster, recordings, tmp_path, tree):
    address, (_, one, _) = cluster
    _wait_for_workers(address)
    folder = tmp_path / "in"
    for number in range(8):
        (folder / f"{number}").mkdir(parents=True)
        for name in ("case.edf", "2020/cut.edf"):
            (folder / f"{number}" / name.replace("/", "_")).write_bytes((recordings / name).read_bytes())
    told = []

    def watch(tally):
        told.append(tally.name)
        if len(told) == 4:
            one.send_signal(signal.SIGKILL)

    result = run_batch([folder], tmp_path / "cluster", scheduler=address, html=False, watch=watch)
    assert one.wait() == -signal.SIGKILL
    assert (result.n_analysed, len(result.refused)) == (8, 8)
    run_batch([folder], tmp_path / "here", jobs=1, html=False)
    assert tree(tmp_path / "cluster") == tree(tmp_path / "here")
    with (tmp_path / "here" / "failures.csv").open() as file:
        assert {row["kind"] for row in csv.DictReader(file)} == {"MalformedRecording"}


def test_a_scheduler_that_ends_ends_the_run(cluster, recordings, tmp_path):
    address, (scheduler, *_) = cluster
    _wait_for_workers(address)

    def watch(tally):
        if tally.n_done == 1:
            threading.Thread(target=scheduler.kill).start()
            time.sleep(0.5)

    began = time.monotonic()
    with pytest.raises(BatchError, match="--resume"):
        run_batch([recordings] * 3, tmp_path / "out", scheduler=address, html=False, watch=watch)
    assert time.monotonic() - began < 120
    assert run_batch([recordings] * 3, tmp_path / "out", jobs=1, html=False, resume=True).n_analysed == 3


def test_no_scheduler_is_told(recordings, tmp_path):
    pytest.importorskip("distributed")
    with pytest.raises(BatchError, match="no Dask scheduler answers"):
        run_batch([recordings], tmp_path / "out", scheduler="tcp://127.0.0.1:1")
    with pytest.raises(BatchError, match="no Dask scheduler answers"):
        run_batch([recordings], tmp_path / "out", scheduler="nonsense")


@pytest.mark.parametrize("address", ["tcp://127.0.0.1", "head", "http://head:8786", ""])
def test_what_is_no_address_is_told_at_once(recordings, tmp_path, address):
    began = time.monotonic()
    with pytest.raises(BatchError, match=r"no Dask scheduler answers: .*write its address as in tcp://host"):
        run_batch([recordings], tmp_path / "out", html=False, scheduler=address)
    assert time.monotonic() - began < 5
