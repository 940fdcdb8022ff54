"""A run that is killed at any moment goes on, and ends as if nothing had happened."""

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

pytestmark = pytest.mark.slow

N_KILLS = int(os.environ.get("LSR_KILLS", "4"))  # 200 were done: docs/scaling.md


def _start(folder, out, *options):
    command = [
        sys.executable,
        "-m",
        "lsr_cli",
        "batch",
        folder,
        "--out",
        out,
        "--jobs",
        "2",
        "--quiet",
        *options,
    ]
    return subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)


def _is_gone(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def test_killed_runs_end_as_one_that_was_not_killed(tmp_path, tree, write_recording):
    folder, whole = tmp_path / "recordings", tmp_path / "whole"
    for number in range(5):
        write_recording(folder / f"{number % 3}" / f"case_{number}.edf", seed=number, n_stimuli=8)
    (folder / "broken.edf").write_bytes((folder / "0" / "case_0.edf").read_bytes()[:700])
    began = time.monotonic()
    assert _start(folder, whole).wait() == 1
    took_s = time.monotonic() - began
    expected = tree(whole)
    assert ".lsr" not in {path.partition("/")[0] for path in expected}

    rng = np.random.default_rng(20)
    out, n_kills, n_ends = tmp_path / "out", 0, 0
    while n_kills < N_KILLS or out.exists():
        run = _start(folder, out, "--resume")
        try:
            status = run.wait(timeout=rng.uniform(0.2, 1.1) * took_s)
        except subprocess.TimeoutExpired:
            if rng.random() < 0.5:
                os.killpg(run.pid, signal.SIGKILL)  # workers, too
            else:
                run.kill()
            run.wait()
            n_kills += 1
            left = {path: content for path, content in tree(out).items() if not path.startswith(".lsr/")}
            assert left.items() <= expected.items(), "a file that is not whole"
            continue
        assert status == 1
        assert tree(out) == expected
        n_ends += 1
        shutil.rmtree(out)
    ends = time.monotonic() + 20
    while not _is_gone(run.pid) and time.monotonic() < ends:
        time.sleep(0.1)
    assert _is_gone(run.pid), "a worker outlives the run"
    print(f"{n_kills} kills, {n_ends} runs that ended")
