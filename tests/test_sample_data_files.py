"""The sample recordings are what `make sample-data` draws, small, and what their truth says."""

import json
from pathlib import Path

import numpy as np
import pytest

from lsr.io.registry import read_recording
from lsr.synthetic.sample_data import SEEDS, write_sample_data

pytestmark = pytest.mark.slow

SAMPLE_DATA = Path(__file__).parent.parent / "sample_data"
NAMES = list(SEEDS)


def truth_of(name):
    return json.loads((SAMPLE_DATA / f"{name}.truth.json").read_text(encoding="utf-8"))


def test_drawing_the_sample_data_again_gives_the_same_bytes(tmp_path):
    write_sample_data(tmp_path)
    drawn = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    stored = {path.name: path.read_bytes() for path in SAMPLE_DATA.iterdir() if path.is_file()}
    assert sorted(drawn) == sorted(stored)
    assert [name for name in drawn if drawn[name] != stored[name]] == []


def test_the_sample_data_stay_small():
    assert sum(path.stat().st_size for path in SAMPLE_DATA.iterdir()) < 12e6
    assert len(NAMES) >= 8


@pytest.mark.parametrize("name", NAMES)
def test_the_reader_finds_format_channels_and_stages(name):
    truth = truth_of(name)
    with read_recording(SAMPLE_DATA / f"{name}.edf") as recording:
        assert recording.format == truth["format"]
        assert {channel.label for channel in recording.channels} >= {p["channel"] for p in truth["pairs"]}
        found = [(note.time_s, note.text) for note in recording.annotations]
        for stage in truth["stages"]:
            assert (stage["time_s"], stage["text"]) in found


@pytest.mark.parametrize("name", NAMES)
def test_the_mean_sweep_of_every_channel_shows_what_the_truth_says(name):
    truth = truth_of(name)
    times_s = {one["id"]: np.array(one["times_s"]) for one in truth["stimulation"]}
    with read_recording(SAMPLE_DATA / f"{name}.edf") as recording:
        labels = [channel.label for channel in recording.channels]
        for pair in truth["pairs"]:
            channel = labels.index(pair["channel"])
            block = max(pair["blocks"], key=lambda one: (one["amplitude_uv"] or 0) * one["persistence"])
            if not pair["present"]:
                block = pair["blocks"][-1]  # of a ramp: strong enough for a whole M wave
            stimuli_s = times_s[pair["stimulation"]]
            inside = (stimuli_s >= block["start_s"]) & (stimuli_s <= block["end_s"])
            (batch,) = recording.windows(stimuli_s[inside], 0.0, 0.04, [channel])
            assert len(batch.index) == block["n_stimuli"]
            mean_uv = batch.samples[:, 0].mean(axis=0)
            time_ms = np.arange(mean_uv.size) * 1000.0 / batch.rate_hz
            if pair["m_wave_amplitude_uv"] is not None:
                whole_uv = np.ptp(mean_uv[(time_ms > 2.0) & (time_ms < 20.0)])
                assert whole_uv > 0.5 * pair["m_wave_amplitude_uv"]
            elif pair["present"]:
                onset_ms = block["onset_latency_ms"]
                after_uv = mean_uv[(time_ms > onset_ms) & (time_ms < onset_ms + 20.0)]
                assert np.ptp(after_uv) > 0.7 * block["amplitude_uv"]
