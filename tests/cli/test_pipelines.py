"""`lsr` in scripts that nobody watches: paths come in, statuses and lines go out."""

import io
import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from rich.console import Console
from rich.file_proxy import FileProxy

import lsr
from lsr_cli import logs
from lsr_cli.output import Answer, Attempts, show
from lsr_cli.progress import AnalysisProgress

SAMPLES = Path(__file__).parents[2] / "sample_data"
CLINIC = SAMPLES / "clinic_with_lsr.edf"


@pytest.fixture(autouse=True)
def _quiet_again():
    yield
    logs.start_logging()


def _lines(result):
    return [json.loads(line) for line in result.stderr.splitlines()]


def test_paths_come_from_stdin_one_a_line(call, analyzed):
    result = call("analyze", "first.edf", "-", "--format", "json", stdin="a b.edf\r\n\nlast.edf")
    names = [json.loads(line)["recording"]["name"] for line in result.stdout.splitlines()]
    assert names == ["first.edf", "a b.edf", "last.edf"]


@pytest.mark.parametrize("arguments", [["analyze", "-"], ["inspect", "-"], ["batch", "-", "--out", "x"]])
def test_no_path_at_all_is_no_success(call, arguments):
    result = call(*arguments, stdin="\n")
    assert result.exit_code == 2
    assert result.stderr == "lsr: no path came from stdin; check the command that writes them\n"


@pytest.mark.parametrize("unset", ["", " "])
@pytest.mark.parametrize(
    "arguments",
    [
        ("analyze", str(CLINIC), "--out"),
        ("analyze", str(CLINIC), "--html"),
        ("analyze", str(CLINIC), "--figures"),
        ("batch", str(SAMPLES), "--out"),
        ("simulate", "--out"),
        ("deidentify", str(CLINIC)),
        ("bids", str(SAMPLES)),
    ],
)
def test_an_unset_variable_does_not_mean_the_folder_one_is_in(call, tmp_path, monkeypatch, arguments, unset):
    monkeypatch.chdir(tmp_path)
    result = call(*arguments, unset, *(["participant"] if arguments[0] == "bids" else []))
    assert result.exit_code == 2
    assert "no place is given to write to" in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_label_that_looks_like_a_colour_reaches_the_table(capsys):
    show("R Ment\x1b[31m,1")
    assert capsys.readouterr().out == "R Ment\x1b[31m,1\n"


def test_inspect_takes_paths_from_stdin_too(call):
    assert call("inspect", "-", stdin=f"{CLINIC}\n").stdout.startswith("clinic_with_lsr.edf: ")


@pytest.mark.slow
def test_a_line_is_out_before_the_next_path_is_in():
    with subprocess.Popen(
        [sys.executable, "-m", "lsr_cli", "analyze", "-", "--format", "json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as streaming:
        for _ in range(2):
            streaming.stdin.write(f"{CLINIC}\n")
            streaming.stdin.flush()
            assert json.loads(streaming.stdout.readline())["recording"]["name"] == CLINIC.name
        streaming.stdin.close()
        assert streaming.wait() == 0


@pytest.mark.parametrize(("named", "status"), [("present", 3), ("absent", 0)])
def test_an_answer_of_a_target_pair_can_end_with_three(call, named, status):
    result = call("analyze", CLINIC, "--format", "json", "--fail-on", named)
    assert result.exit_code == status
    assert len(result.stdout.splitlines()) == 1
    assert ("as --fail-on asks" in result.stderr) == (status == 3)


def _ends(fail_on, pairs, *, failing=False):
    attempts = Attempts(verbose=False, fail_on=[Answer(one) for one in fail_on])
    if failing:
        attempts.attempt(Path("x.edf"), lambda: 1 // 0)
    pairs = [SimpleNamespace(relation=relation, presence=presence) for relation, presence in pairs]
    attempts.look_at(Path("x.edf"), SimpleNamespace(pairs=pairs))
    try:
        attempts.finish()
    except typer.Exit as end:
        return end.exit_code
    return 0


def test_a_finding_is_no_failure_unless_it_is_named():
    assert _ends([], [("target", "present")]) == 0
    assert _ends(["absent"], [("target", "present")]) == 0
    assert _ends(["absent", "present"], [("target", "present")]) == 3


@pytest.mark.parametrize("relation", ["direct", "ambiguous", "unmapped"])
def test_only_targets_count_as_answers(relation):
    pairs = [("target", "absent"), (relation, "present"), (relation, "indeterminate")]
    assert _ends(["present", "indeterminate"], pairs) == 0


def test_without_a_target_nothing_can_be_told():
    assert _ends(["indeterminate"], [("direct", "present")]) == 3
    assert _ends(["present", "absent"], [("direct", "present")]) == 0


def test_a_failure_stands_above_what_was_found():
    assert _ends(["present"], [("target", "present")], failing=True) == 1


def test_every_exit_status_is_told_by_help(call):
    shown = call("--help").stdout
    statuses = [line.split()[0] for line in shown.partition("Exit status:")[2].splitlines() if line.strip()]
    assert statuses == ["0", "1", "2", "3", "130"]


def test_an_interrupted_run_ends_with_130(call, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setitem(vars(lsr), "analyze", interrupt)
    assert call("analyze", "a.edf").exit_code == 130


def test_recordings_of_one_name_are_told_apart_on_stderr(call, analyzed, tmp_path):
    refused = [tmp_path / folder / "refused.edf" for folder in ("first", "second")]
    empty = tmp_path / "third" / "empty.edf"
    paths = [*refused, empty]
    told = call("analyze", *paths, "--fail-on", "indeterminate").stderr.splitlines()
    assert [line for line in told if line.startswith("lsr: ")] == [
        *(f"lsr: {path}: byte 0 is odd; export it again" for path in refused),
        f"lsr: {empty}: indeterminate, as --fail-on asks",
    ]
    lines = _lines(call("analyze", *paths, "--fail-on", "indeterminate", "--verbose", "--log-json"))
    assert {line["recording"] for line in lines} == set(map(str, paths))


def test_every_step_is_logged_under_the_path_that_was_given(call, tmp_path):
    given = tmp_path / "copy.edf"
    given.write_bytes(CLINIC.read_bytes())
    lines = _lines(call("analyze", given, "--verbose", "--log-json"))
    assert {line["recording"] for line in lines if "step" in line} == {str(given)}


def test_logs_as_json_are_json_and_nothing_else(call, analyzed):
    paths = ["good.edf", "refused.edf", "crashes.edf"]
    result = call("analyze", *paths, "--verbose", "--log-json", "--format", "json")
    lines = _lines(result)
    assert {line["level"] for line in lines} == {"info", "error"}
    assert [line["recording"] for line in lines if "took_s" in line] == ["good.edf"]
    errors = {line["recording"]: line["error"] for line in lines if line["level"] == "error"}
    assert errors == {"refused.edf": "MalformedRecording", "crashes.edf": "ZeroDivisionError"}
    assert all(line["time"].endswith("+00:00") for line in lines)
    assert any("frames" in line for line in lines)


def test_no_log_holds_what_an_unexpected_error_quotes(call, monkeypatch):
    header = "Doe^Jane, born 1950"

    def crash(*arguments, **options):
        raise ValueError(header)

    monkeypatch.setitem(vars(lsr), "analyze", crash)
    for options in ([], ["--log-json"]):
        assert "Doe" not in call("analyze", "crashes.edf", "--verbose", *options).stderr


def test_without_verbose_only_what_matters_is_told(call, analyzed):
    assert _lines(call("analyze", "good.edf", "--log-json")) == []
    assert [line["level"] for line in _lines(call("analyze", "refused.edf", "--log-json"))] == ["error"]


def test_warnings_of_libraries_are_lines_too(call, monkeypatch):
    import warnings

    def warn(*arguments, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logs.start_logging(as_json=True)  # within the context, which puts back what it found
            warnings.warn("odd\nnumbers", RuntimeWarning, stacklevel=1)
        raise lsr.NoStimuli("none")

    monkeypatch.setitem(vars(lsr), "analyze", warn)
    assert [line["level"] for line in _lines(call("analyze", "a.edf", "--log-json"))] == ["warning", "error"]


@pytest.mark.parametrize("arguments", [("analyze", "--html", "page.html"), ("batch", "--out", "out")])
def test_where_matplotlib_cannot_keep_its_cache_a_log_is_json_all_the_same(tmp_path, arguments):
    """As of a service without a home."""
    command, *options = arguments
    done = subprocess.run(
        [sys.executable, "-m", "lsr_cli", command, SAMPLES / "triggered_sweeps.edf", *options, "--log-json"],
        env=os.environ | {"MPLCONFIGDIR": os.devnull},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    levels = {json.loads(line)["level"] for line in done.stderr.splitlines()}
    assert levels == {"analyze": {"warning"}, "batch": {"notice"}}[command]


def test_verbose_tells_the_steps(call):
    told = call("analyze", CLINIC, "--verbose", "--format", "json").stderr
    assert "judging the blocks of S1, 2 in all" in told
    assert told.count("finding stimuli") == 1


def test_a_long_analysis_shows_a_bar_on_a_terminal_alone(monkeypatch, capsys):
    from lsr_cli import progress

    monkeypatch.setattr(progress, "_QUIET_S", -1.0)
    for is_terminal in (False, True):
        monkeypatch.setattr(sys.stderr, "isatty", lambda is_terminal=is_terminal: is_terminal)
        monkeypatch.setenv("TERM", "xterm")
        with AnalysisProgress("case.edf") as bar:
            for block in range(3):
                bar("judging the blocks of S1", block, 3)
        shown = capsys.readouterr()
        assert shown.out == ""
        assert ("case.edf: judging" in shown.err) == is_terminal


def test_no_colour_means_no_colour_in_the_bar(monkeypatch, capsys):
    from lsr_cli import progress

    monkeypatch.setattr(progress, "_QUIET_S", -1.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    coloured = {}
    for no_colour in ("", "1"):
        monkeypatch.setenv("NO_COLOR", no_colour)
        with AnalysisProgress("case.edf") as bar:
            bar("judging", 1, 3)
        coloured[no_colour] = re.search(r"\x1b\[(\d+;)*3\d", capsys.readouterr().err) is not None
    assert coloured == {"": True, "1": False}


def test_completion_is_offered_by_the_shell_and_loads_nothing():
    code = (
        "import sys\nsys.argv = ['lsr']\nfrom lsr_cli.main import run\n"
        "try:\n    run()\nfinally:\n    print('loaded', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": "", "_LSR_COMPLETE": "complete_bash", "COMP_WORDS": "lsr an", "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
    )
    assert "analyze" in done.stdout.splitlines()
    assert "numpy" not in done.stdout.split()


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (("analyse",), "analyze"),
        (("analyze", "a.edf", "--stimulatd", "x"), "--stimulated"),
        (("config", "shwo"), "show"),
    ],
)
def test_a_misspelt_command_or_option_is_refused_with_the_nearest(call, arguments, near):
    result = call(*arguments)
    assert result.exit_code == 2
    assert near in result.stderr


def test_what_is_told_beside_a_bar_stands_above_it(monkeypatch):
    terminal, screen = io.BytesIO(), io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80)
    monkeypatch.setattr(sys, "stderr", FileProxy(console, io.TextIOWrapper(terminal)))
    logs.start_logging()
    logs.tell(logging.ERROR, "what a file lacks")
    assert "lsr: what a file lacks\n" in screen.getvalue()  # by way of the bar's console
    assert terminal.getvalue() == b""
