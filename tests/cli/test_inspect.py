"""`lsr inspect` shows a file before any analysis."""

import json
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[2] / "sample_data"


def test_a_recording_is_shown(call):
    result = call("inspect", SAMPLES / "clinic_with_lsr.edf")
    assert result.exit_code == 0
    assert "R Mentalis" in result.stdout
    assert "right zygomatic" in result.stdout
    assert result.stderr == ""


def test_several_recordings_give_one_json_a_line(call):
    paths = [SAMPLES / "clinic_with_lsr.edf", SAMPLES / "triggered_sweeps.edf"]
    result = call("inspect", *paths, "--format", "json")
    assert [json.loads(line)["format"] for line in result.stdout.splitlines()] == ["EDF+C", "EDF+D"]


def test_a_configuration_names_channels(call):
    config = SAMPLES / "configured_labels.toml"
    result = call("inspect", SAMPLES / "configured_labels.edf", "--config", config, "--format", "json")
    assert any(channel["muscle"] for channel in json.loads(result.stdout)["channels"])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing.edf", None),
        ("empty.edf", b""),
        ("text.edf", b"not a recording at all\n"),
        ("cut.edf", b"0       " * 9),
    ],
)
def test_a_bad_file_is_refused_by_name_and_the_next_is_shown(call, tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    result = call("inspect", tmp_path / name, SAMPLES / "clinic_with_lsr.edf")
    assert result.exit_code == 1
    assert name in result.stderr
    assert "unexpected" not in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout.startswith("clinic_with_lsr.edf: ")


def test_events_of_a_file_are_shown_as_stages(call, tmp_path):
    events = tmp_path / "events.csv"
    events.write_text("time_s,text\n1,decompression\n")
    assert "decompression" in call("inspect", SAMPLES / "trigger_channel.edf", "--events", events).stdout


def test_events_that_cannot_be_read_are_wrong_usage(call, tmp_path):
    events = tmp_path / "events.csv"
    events.write_text("when,what\n")
    assert call("inspect", SAMPLES / "trigger_channel.edf", "--events", events).exit_code == 2
