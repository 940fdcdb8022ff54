"""`lsr batch`, called as a user calls it; the run itself is tested with lsr.batch."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[2] / "sample_data" / "trigger_channel.edf"


def test_a_file_in_place_of_the_output_folder_is_wrong_usage(call, tmp_path):
    (tmp_path / "in").mkdir()
    shutil.copy(SAMPLE, tmp_path / "in")
    (tmp_path / "taken").write_text("here")
    result = call("batch", tmp_path / "in", "--out", tmp_path / "taken")
    assert result.exit_code == 2
    assert f"{tmp_path / 'taken'}: cannot be written" in result.stderr
    assert "name another folder" in result.stderr
    assert (tmp_path / "taken").read_text() == "here"


@pytest.fixture
def ran(monkeypatch):
    """Replace the run; gives its calls, and takes what it comes to."""
    import lsr.batch
    from lsr.batch import BatchResult, Refusal, Tally

    class Ran:
        def __init__(self):
            self.calls = []
            self.kinds = ()
            self.n_removed = 0
            self.error = None

        def __call__(self, given, out, settings_of, **options):
            self.calls.append((given, out, settings_of, options))
            if self.error is not None:
                raise self.error
            refused = [
                Refusal(name=f"{n}.edf", kind=kind, message=f"{n}.edf: odd")
                for n, kind in enumerate(self.kinds)
            ]
            for n, one in enumerate(refused):
                options["watch"](
                    Tally(
                        step="analysing",
                        n_total=9,
                        n_done=n + 1,
                        n_done_before=0,
                        n_failed=n + 1,
                        name=one.name,
                        refusal=one,
                    )
                )
            return BatchResult(
                n_analysed=2,
                n_done_before=1,
                n_removed=self.n_removed,
                refused=tuple(refused),
                presences=frozenset({"present"}),
            )

    fake = Ran()
    monkeypatch.setattr(lsr.batch, "run_batch", fake)
    return fake


def test_reports_that_a_run_removes_are_counted_aloud(call, ran, tmp_path):
    ran.n_removed = 3
    result = call("batch", "a", "--out", tmp_path, "--resume")
    assert "0 failed, 3 of an earlier run removed: " in result.stderr


def test_everything_analysed_is_status_0_and_nothing_is_data(call, ran, tmp_path):
    result = call("batch", "a", "b", "--out", tmp_path, "--jobs", 3, "--no-html", "--resume")
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"2 analysed (1 of them before), 0 failed: {tmp_path / 'summary.html'}" in result.stderr
    (given, out, _, options), *_ = ran.calls
    assert (given, out) == ([Path("a"), Path("b")], tmp_path)
    assert (options["jobs"], options["html"], options["resume"]) == (3, False, True)


def test_paths_come_from_stdin(call, ran, tmp_path):
    call("batch", "-", "--out", tmp_path, stdin="x.edf\ny z.edf\n")
    assert ran.calls[0][0] == [Path("x.edf"), Path("y z.edf")]


@pytest.mark.parametrize(("kind", "status"), [("NoStimuli", 1), ("WorkerLost", 1), ("SettingsError", 2)])
def test_a_failure_is_told_and_gives_its_status(call, ran, tmp_path, kind, status):
    ran.kinds = (kind,)
    result = call("batch", "a", "--out", tmp_path, "--fail-on", "present")
    assert result.exit_code == status
    assert "lsr: 0.edf: odd\n" in result.stderr


def test_what_was_found_gives_status_3_only_if_asked(call, ran, tmp_path):
    assert call("batch", "a", "--out", tmp_path, "--fail-on", "present").exit_code == 3
    assert call("batch", "a", "--out", tmp_path, "--fail-on", "absent").exit_code == 0


def test_quiet_tells_nothing_but_why_it_cannot_go_on(call, ran, tmp_path):
    import lsr

    ran.kinds = ("NoStimuli",)
    assert call("batch", "a", "--out", tmp_path, "--quiet").stderr == ""
    ran.error = lsr.BatchError("out: another run writes there")
    result = call("batch", "a", "--out", tmp_path, "--quiet")
    assert (result.exit_code, result.stderr) == (2, "lsr: out: another run writes there\n")


def test_failures_are_facts_for_scripts(call, ran, tmp_path):
    ran.kinds = ("NoStimuli",)
    lines = [
        json.loads(one) for one in call("batch", "a", "--out", tmp_path, "--log-json").stderr.splitlines()
    ]
    assert (lines[0]["recording"], lines[0]["error"]) == ("0.edf", "NoStimuli")
    assert (lines[-1]["analysed"], lines[-1]["failed"]) == (2, 1)


def test_a_run_that_is_interrupted_says_how_to_go_on(call, ran, tmp_path):
    ran.error = KeyboardInterrupt()
    result = call("batch", "a", "--out", tmp_path)
    assert result.exit_code == 130
    assert "interrupted before the first; --resume goes on" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [("a",), ("a", "--out", "x", "--jobs", 0), ("a", "--out", "x", "--jobs", 2, "--scheduler", "tcp://h:1")],
)
def test_wrong_usage_ends_with_two(call, ran, arguments):
    assert call("batch", *arguments).exit_code == 2
    assert ran.calls == []


def test_where_there_is_no_terminal_a_line_tells_now_and_then(call, ran, tmp_path, monkeypatch):
    monkeypatch.setattr("lsr_cli.batch_progress._EVERY_S", 0.0)
    ran.kinds = ("NoStimuli", "NoMuscle")
    stderr = call("batch", "a", "--out", tmp_path).stderr
    assert "analysing: 2 of 9, 2 failed, " in stderr
    assert " per second, " in stderr
    assert " left\n" in stderr


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_cleanly_and_goes_on(tmp_path, number):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in range(6):
        shutil.copy(SAMPLE, folder / f"{name}.edf")
    command = [
        sys.executable,
        "-m",
        "lsr_cli",
        "batch",
        folder,
        "--out",
        out,
        "--jobs",
        "1",
        "--no-html",
        "--verbose",
    ]

    def listen():  # what is started in the background ignores SIGINT, and so would the run
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=listen
    ) as run:
        assert run.stderr.readline() == "lsr: 0.edf: done\n"
        os.killpg(run.pid, number)  # as a terminal does
        rest = run.stderr.read()
    assert run.returncode == 130
    assert "Traceback" not in rest
    assert "--resume goes on" in rest
    assert sorted(one.name for one in (out / ".lsr").iterdir()) == ["journal.jsonl"]
    result = subprocess.run([*command, "--resume"], stderr=subprocess.PIPE, text=True, timeout=300)
    assert result.returncode == 0
    assert "lsr: 0.edf: done, as before\n" in result.stderr
    assert not (out / ".lsr").exists()


def test_events_and_the_settings_beside_recordings_reach_the_run(call, ran, tmp_path):
    (tmp_path / "lsr.toml").write_text("[detection]\nalpha = 0.02\n")
    call("batch", tmp_path, "--out", tmp_path / "out", "--events", tmp_path / "events.csv")
    (_, _, settings_of, options), *_ = ran.calls
    assert options["events"] == tmp_path / "events.csv"
    assert settings_of(tmp_path / "a.edf").detection.alpha == 0.02


def test_the_settings_of_a_configuration_stand_above_those_beside_recordings(call, ran, tmp_path):
    (tmp_path / "lsr.toml").write_text("[detection]\nalpha = 0.02\n")
    (tmp_path / "study.toml").write_text("[detection]\nalpha = 0.03\n")
    call("batch", tmp_path, "--out", tmp_path / "out", "--config", tmp_path / "study.toml")
    (_, _, settings_of, _), *_ = ran.calls
    assert settings_of(tmp_path / "a.edf").detection.alpha == 0.03


@pytest.mark.parametrize("kind", ["SettingsError", "EventsError"])
def test_wrong_settings_and_events_stand_above_other_failures(call, ran, tmp_path, kind):
    ran.kinds = (kind, "NoStimuli")
    assert call("batch", "a", "--out", tmp_path).exit_code == 2
