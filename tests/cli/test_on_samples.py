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
