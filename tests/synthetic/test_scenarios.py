"""Scenarios: every one can be drawn by name, with what belongs beside it."""

import json

import edfio
import pytest

from lsr.settings import Settings
from lsr.synthetic import SCENARIOS, write_scenario


def test_several_recordings_come_from_seeds_in_a_row(tmp_path):
    paths = write_scenario("triggered_sweeps", tmp_path, seed=40, count=2)
    assert [path.name for path in paths] == ["triggered_sweeps_000.edf", "triggered_sweeps_001.edf"]
    truths = [json.loads(path.with_suffix(".truth.json").read_text()) for path in paths]
    assert [truth["seed"] for truth in truths] == [40, 41]
    (alone,) = write_scenario("triggered_sweeps", tmp_path / "alone", seed=41)
    assert alone.read_bytes() == paths[1].read_bytes()


def test_the_configuration_beside_a_recording_is_one_that_settings_accept(tmp_path):
    (path,) = write_scenario("configured_labels", tmp_path, seed=1)
    settings = Settings.from_file(path.with_suffix(".toml"))
    labels = [signal.label for signal in edfio.read_edf(path).signals]
    assert sorted(settings.channels) == labels == ["Ch1", "Ch2", "Ch3", "Ch4"]


def test_missed_markers_are_not_in_the_file_and_spurious_ones_are(tmp_path):
    (path,) = write_scenario("restless_patient", tmp_path, seed=2)
    truth = json.loads(path.with_suffix(".truth.json").read_text())["stimulation"][0]
    marked_s = {round(note.onset, 6) for note in edfio.read_edf(path).annotations}
    given_s = set(truth["times_s"])
    assert given_s - marked_s == {truth["times_s"][k] for k in truth["missed_markers"]}
    assert marked_s - given_s == set(truth["spurious_markers_s"])


def test_a_scenario_nobody_knows_is_refused(tmp_path):
    with pytest.raises(ValueError, match=f"unknown scenario 'clinic'; known: {next(iter(SCENARIOS))}"):
        write_scenario("clinic", tmp_path)
    with pytest.raises(ValueError, match="count 0"):
        write_scenario("artifact_only", tmp_path, count=0)
