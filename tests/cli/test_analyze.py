"""`lsr analyze` gives data on stdout, complaints on stderr, and goes on after a bad file."""

import json
import os
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[2] / "sample_data" / "clinic_with_lsr.edf"
NOTICE = "For review by a qualified neurophysiologist"


def test_a_recording_gives_a_report(call, analyzed):
    result = call("analyze", "good.edf")
    assert result.exit_code == 0
    assert result.stdout.startswith("good.edf: ")
    assert NOTICE in result.stdout
    assert "\x1b" not in result.stdout


def test_chatter_of_libraries_is_no_data(call, analyzed):
    result = call("analyze", "good.edf", "--format", "json")
    assert "chatter" not in result.stdout
    assert "chatter" in result.stderr


def test_several_recordings_give_one_json_a_line(call, analyzed):
    result = call("analyze", "one.edf", "two.edf", "--format", "json")
    reports = [json.loads(line) for line in result.stdout.splitlines()]
    assert [report["recording"]["name"] for report in reports] == ["one.edf", "two.edf"]


def test_several_recordings_share_one_table_head(call, analyzed):
    result = call("analyze", "one.edf", "two.edf", "--format", "csv")
    (head,) = result.stdout.splitlines()
    assert head.startswith("recording_name,")


@pytest.mark.parametrize("bad", ["refused.edf", "crashes.edf"])
def test_a_bad_recording_does_not_stop_the_others(call, analyzed, bad):
    result = call("analyze", "one.edf", bad, "two.edf", "--format", "json")
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 2
    (complaint,) = [line for line in result.stderr.splitlines() if line.startswith("lsr:")]
    assert bad in complaint
    assert "Traceback" not in result.stderr


def test_a_refusal_is_told_as_it_is(call, analyzed):
    result = call("analyze", "refused.edf")
    assert "lsr: refused.edf: byte 0 is odd; export it again\n" in result.stderr


def test_an_unexpected_error_asks_for_a_report_and_keeps_the_patient_out(call, analyzed):
    result = call("analyze", "crashes.edf")
    assert "unexpected ZeroDivisionError" in result.stderr
    assert "please report it" in result.stderr
    assert "Doe" not in result.stderr
    assert "Traceback" in call("analyze", "crashes.edf", "--verbose").stderr


def test_settings_that_do_not_fit_a_recording_are_wrong_usage(call, analyzed):
    result = call("analyze", "good.edf", "misconfigured.edf")
    assert result.exit_code == 2
    assert result.stdout.startswith("good.edf: ")
    assert "misconfigured.edf: no channel is called 'X'" in result.stderr


def test_a_wrong_configuration_stops_before_any_recording(call, analyzed, tmp_path):
    config = tmp_path / "wrong.toml"
    config.write_text("[detecton]\n")
    result = call("analyze", "good.edf", "--config", config)
    assert result.exit_code == 2
    assert "did you mean 'detection'?" in result.stderr
    assert not analyzed


def test_the_stimulated_branch_reaches_the_analysis(call, analyzed):
    assert call("analyze", "good.edf", "--stimulated", "left marginal mandibular").exit_code == 0
    (stimulation,) = analyzed[0][1].stimulation
    assert (stimulation.side, stimulation.branch) == ("left", "marginal_mandibular")


def test_no_branch_is_wrong_usage(call, analyzed):
    result = call("analyze", "good.edf", "--stimulated", "the face")
    assert result.exit_code == 2
    assert "as in 'right zygomatic'" in result.stderr


def test_time_of_day_comes_only_on_request(call, analyzed):
    assert "created" not in json.loads(call("analyze", "good.edf", "--format", "json").stdout)
    stamped = call("analyze", "good.edf", "--format", "json", "--timestamp")
    assert "created" in json.loads(stamped.stdout)


def test_json_and_table_are_left_where_asked(call, analyzed, tmp_path):
    result = call("analyze", "good.edf", "--out", tmp_path / "deep" / "out")
    assert result.exit_code == 0
    assert NOTICE in result.stdout
    left = json.loads((tmp_path / "deep" / "out" / "good.json").read_text())
    assert left["recording"]["name"] == "good.edf"
    assert (tmp_path / "deep" / "out" / "good.csv").read_text().startswith("recording_name,")


def test_one_report_never_overwrites_another(call, analyzed, tmp_path):
    result = call("analyze", "a/case.edf", "b/case.edf", "--out", tmp_path)
    assert result.exit_code == 2
    assert "'case'" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["good.csv", "good.json"])
def test_what_lsr_did_not_write_is_not_overwritten(call, analyzed, tmp_path, name):
    """It may be what is read: sweeps in text, events, the sidecar of a data set."""
    (tmp_path / name).write_text("time_s,text\n1,Baseline\n")
    result = call("analyze", "good.edf", "--out", tmp_path)
    assert result.exit_code == 2
    assert f"{tmp_path / name}: is there already, and is no report of lsr" in result.stderr
    assert not analyzed
    assert [one.name for one in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "time_s,text\n1,Baseline\n"


def test_a_report_takes_the_place_of_an_earlier_one(call, analyzed, tmp_path):
    (tmp_path / "good.csv").touch()
    assert call("analyze", "good.edf", "--out", tmp_path).exit_code == 0
    (tmp_path / "good.json").write_text((tmp_path / "good.json").read_text() + "more")
    assert call("analyze", "good.edf", "--out", tmp_path).exit_code == 0
    assert json.loads((tmp_path / "good.json").read_text())["recording"]["name"] == "good.edf"


@pytest.mark.parametrize("option", ["--html", "--figures", "--out"])
def test_an_option_is_no_name_of_a_folder(call, analyzed, monkeypatch, tmp_path, option):
    monkeypatch.chdir(tmp_path)
    result = call("analyze", "clinic.edf", option, "--quiet")
    assert result.exit_code == 2
    assert "needs a file or folder of its own" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("place", [("--out", ""), ("--html", ""), ("--html", "page.html"), ("--figures", "")])
def test_a_place_that_cannot_be_written_is_refused_before_any_analysis(
    call, analyzed, as_a_user, tmp_path, place
):
    option, name = place
    (tmp_path / "closed").mkdir(mode=0o500)
    result = call("analyze", "good.edf", option, tmp_path / "closed" / name)
    assert result.exit_code == 2
    assert f"cannot be written (Permission denied); name another place with {option}" in result.stderr
    assert not result.stdout
    assert not analyzed


def test_colour_is_for_terminals_that_want_it(monkeypatch):
    import sys

    from lsr_cli import output

    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert output.wants_colour()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not output.wants_colour()


@pytest.mark.parametrize("command", ["analyze", "inspect"])
def test_a_recording_that_may_not_be_read_costs_only_itself(call, as_a_user, tmp_path, command):
    closed = tmp_path / "closed.edf"
    closed.write_bytes(SAMPLE.read_bytes())
    closed.chmod(0)
    result = call(command, SAMPLE, closed, "--format", "json")
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 1
    assert result.stderr.endswith(f"lsr: {closed}: Permission denied; check the right to read it\n")


def test_a_folder_that_may_not_be_entered_is_no_fault_of_lsr(call, as_a_user, tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir(mode=0)
    result = call("analyze", folder / "x.edf")
    assert result.exit_code == 1
    assert result.stderr == (
        f"lsr: {folder / 'x.edf'}: Permission denied; check the right to read it, and to enter its folder\n"
    )


def test_a_folder_is_for_batch_and_has_a_name(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = call("analyze", ".")
    assert result.exit_code == 1
    assert result.stderr.endswith(
        f"lsr: {tmp_path}: a folder, and no recording itself; use lsr batch for those in it\n"
    )


def test_a_folder_that_is_called_like_a_recording_is_a_folder(call, tmp_path):
    (tmp_path / "x.edf").mkdir()
    result = call("analyze", tmp_path / "x.edf")
    assert result.exit_code == 1
    assert "a folder, and no recording itself; use lsr batch for those in it" in result.stderr


@pytest.mark.parametrize("command", [("analyze",), ("inspect",), ("batch", "--out", "out"), ("deidentify",)])
def test_a_pipe_is_not_waited_for(call, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.edf")
    result = call(*command, "pipe.edf", *["copy.edf"] * (command == ("deidentify",)))
    assert result.exit_code == 1
    assert "pipe.edf: a pipe or a device, no file; write the recording to a file first" in result.stderr


def test_wrong_settings_stand_above_a_later_failure(call, analyzed):
    assert call("analyze", "misconfigured.edf", "refused.edf").exit_code == 2


def test_events_and_sweeps_reach_the_analysis(call, analyzed, tmp_path):
    call("analyze", "good.edf", "--events", tmp_path / "events.csv", "--sweeps")
    (_, _, options), *_ = analyzed
    assert (options["events"], options["with_sweeps"]) == (tmp_path / "events.csv", True)


def test_reports_are_parted_by_two_blank_lines(call, analyzed):
    assert "\n\n\ntwo.edf: " in call("analyze", "one.edf", "two.edf").stdout


def test_blanks_around_a_path_of_stdin_belong_to_it(call, analyzed):
    call("analyze", "-", stdin=" a.edf \n")
    assert analyzed[0][0] == Path(" a.edf ")
