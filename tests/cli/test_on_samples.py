"""The commands on real files, from the bytes to the exit status."""

import json
from pathlib import Path

import jsonschema
import pytest

import lsr

SAMPLES = Path(__file__).parents[2] / "sample_data"


def test_a_configured_recording_gives_a_report_that_obeys_the_schema(call):
    result = call(
        "analyze",
        SAMPLES / "configured_labels.edf",
        *("--config", SAMPLES / "configured_labels.toml", "--format", "json", "--sweeps"),
    )
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    jsonschema.validate(report, lsr.report_schema())
    assert {pair["relation"] for pair in report["pairs"]} == {"direct", "ambiguous", "target"}
    assert len(report["stimulation"][0]["times_s"]) == report["stimulation"][0]["n_stimuli"]
    assert report["pairs"][0]["sweeps"]


def test_channels_that_cannot_be_told_are_asked_for(call):
    result = call("analyze", SAMPLES / "configured_labels.edf")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "configured_labels.edf" in result.stderr
    assert "Ch1" in result.stderr
    assert "[channels]" in result.stderr


@pytest.mark.parametrize("command", ["analyze", "inspect"])
def test_an_events_file_that_cannot_be_read_is_wrong_usage(call, tmp_path, command):
    events = tmp_path / "events.csv"
    events.write_text("when,what\n1,Baseline\n")
    result = call(command, SAMPLES / "triggered_sweeps.edf", "--events", events)
    assert result.exit_code == 2
    assert "events.csv" in result.stderr
    assert "Traceback" not in result.stderr


def test_stages_are_shown_before_any_analysis(call):
    result = call("inspect", SAMPLES / "operation_vanishes.edf", "--format", "json")
    names = [stage["name"] for stage in json.loads(result.stdout)["stages"]]
    assert names == ["baseline", "opening", "arachnoid_dissection", "decompression", "closing"]


def test_why_a_pair_came_out_as_it_did_is_told(call):
    paths = [SAMPLES / f"{name}.edf" for name in ("clinic_with_lsr", "clinic_without_lsr")]
    result = call("analyze", *paths, "--explain", "S1 mentalis")
    assert result.exit_code == 0
    assert "log Bayes factor" in result.stdout
    first, second = result.stdout.split("\n\n\nclinic_without_lsr.edf: ")
    assert first.startswith("clinic_with_lsr.edf: S1 right zygomatic -> mentalis, channel 'R Mentalis'\n")
    assert "present, because p is at most alpha = 0.01" in first
    assert "the stimulated branch supplies this muscle" in " ".join(second.split())


def test_a_pair_that_is_not_there_is_wrong_usage_and_the_others_are_named(call):
    result = call("analyze", SAMPLES / "clinic_with_lsr.edf", "--explain", "platysma")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no pair is called 'platysma'" in result.stderr
    assert "S1 right zygomatic -> mentalis (R Mentalis)" in result.stderr


def test_an_explanation_is_text(call):
    result = call("analyze", SAMPLES / "clinic_with_lsr.edf", "--explain", "mentalis", "--format", "json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--explain is text" in result.stderr
