"""`lsr` alone answers at once, and tells what it can do."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE_DATA = Path(__file__).parents[2] / "sample_data"

HEAVY = {"numpy", "scipy", "pandas", "mne", "matplotlib", "lsr.settings"}


def _modules_after(*arguments):
    code = (
        "import sys\nfrom lsr_cli.main import run\n"
        f"sys.argv = ['lsr', *{arguments!r}]\n"
        "try:\n    run()\nexcept SystemExit:\n    pass\n"
        "print('\\nloaded', *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize("arguments", [("--help",), ("analyze", "--help"), ("--version",)])
def test_help_loads_nothing_heavy(arguments):
    loaded = _modules_after(*arguments)
    assert "lsr_cli.main" in loaded
    assert loaded & HEAVY == set()


def test_help_takes_little_more_than_what_draws_it():
    """Time of the processor, of both on the same machine: typer alone is most of it."""

    def took_s(*arguments):
        before = os.times()
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    own = min(took_s("-m", "lsr_cli", "--help") for _ in range(5))
    assert own < 3 * min(took_s("-c", "import typer, typer.main") for _ in range(5))


@pytest.mark.parametrize("command", ["analyze", "batch", "inspect", "deidentify", "simulate", "schema"])
def test_every_command_is_told(call, command):
    result = call("--help")
    assert result.exit_code == 0
    assert command in result.stdout


def test_the_version_is_told(call):
    import lsr

    assert call("--version").stdout == f"lsr {lsr.__version__}\n"


@pytest.mark.parametrize(
    "arguments", [("analyse",), ("analyze",), ("analyze", "a.edf", "--formt", "json"), ("simulate",)]
)
def test_wrong_usage_ends_with_two(call, arguments):
    result = call(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr


def test_a_closed_or_full_stdout_ends_without_a_traceback(tmp_path):
    """As under cron, and where the disk is full."""
    run = f"exec {sys.executable} -m lsr_cli --version"
    closed = subprocess.run(["sh", "-c", f"{run} >&-"], capture_output=True, text=True, check=False)
    assert (closed.returncode, closed.stderr) == (0, "")
    if os.path.exists("/dev/full"):
        full = subprocess.run(["sh", "-c", f"{run} >/dev/full"], capture_output=True, text=True, check=False)
        assert full.returncode == 1
        assert full.stderr.startswith("lsr: stdout: cannot be written (")
        assert full.stderr.count("\n") == 1


def test_a_closed_stdin_brings_no_path():
    run = f"exec {sys.executable} -m lsr_cli inspect -"
    closed = subprocess.run(["sh", "-c", f"{run} <&-"], capture_output=True, text=True, check=False)
    assert closed.returncode == 2
    assert closed.stderr == "lsr: no path came from stdin; check the command that writes them\n"


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names of files are text there")
def test_a_name_on_stdin_that_is_no_utf_8_is_that_of_a_file(tmp_path):
    """As `find` gives it, in a locale of UTF-8."""
    place = os.path.join(os.fsencode(tmp_path), b"caf\xe9.edf")
    shutil.copy(SAMPLE_DATA / "triggered_sweeps.edf", place)
    done = subprocess.run(
        [sys.executable, "-m", "lsr_cli", "inspect", "-"],
        env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"},
        input=place + b"\n",
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"caf?.edf: ")


def test_a_name_too_long_is_no_file(call):
    result = call("analyze", "a" * 5000 + ".edf")
    assert result.exit_code == 1
    assert result.stderr.endswith("no such file or folder; check the path\n")
