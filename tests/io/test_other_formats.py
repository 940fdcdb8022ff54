"""Formats that mne reads, and recordings that become mne's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lsr.errors import MalformedRecording, UnknownFormat
from lsr.io.other_formats import annotations_from_onsets, epochs_from_sweeps
from lsr.io.registry import read_recording
from lsr.recording import Annotation, Recording, Segment


@pytest.fixture
def gapped() -> Recording:
    rng = np.random.default_rng(5)
    return Recording.from_arrays(
        [rng.normal(0, 50, 600), rng.normal(0, 50, 600), rng.integers(0, 2, 600)],
        rates_hz=100,
        labels=["R Mentalis", "R Mentalis", "Trigger"],
        units=["uV", "mV", ""],
        segments=[Segment(start_s=1.0, stop_s=3.0), Segment(start_s=5.0, stop_s=9.0)],
        annotations=[Annotation(time_s=time_s, duration_s=None, text="Stim") for time_s in (2.0, 4.0, 6.0)],
    )


def test_a_recording_becomes_mnes_with_gaps_marked(gapped):
    raw = gapped.to_mne()
    assert raw.ch_names == ["R Mentalis", "R Mentalis-2", "Trigger"]
    assert raw.get_channel_types() == ["emg", "emg", "misc"]
    skipped = [
        (note["onset"], note["duration"]) for note in raw.annotations if note["description"] == "BAD_ACQ_SKIP"
    ]
    assert skipped == [(2.0, 2.0)]
    assert [note["onset"] for note in raw.annotations if note["description"] == "Stim"] == [1.0, 5.0]
    stored = gapped.read_digital(0)
    np.testing.assert_allclose(raw.get_data([0])[0, 400:] * 1e6, stored[200:], rtol=1e-6)
    np.testing.assert_array_equal(raw.get_data([2])[0, :200], gapped.read_digital(2)[:200])


def test_channels_of_two_rates_do_not_become_one_raw():
    recording = Recording.from_arrays([np.zeros(10), np.zeros(20)], rates_hz=[10, 20], labels=["a", "b"])
    with pytest.raises(ValueError, match="10 Hz, 20 Hz"):
        recording.to_mne()
    assert recording.to_mne([1]).info["sfreq"] == 20


def test_fif_comes_back_as_it_went(gapped, tmp_path):
    path = tmp_path / "case_raw.fif"
    gapped.to_mne().save(path, verbose="ERROR")
    with read_recording(path) as recording:
        assert recording.format == "FIF"
        assert [channel.is_voltage for channel in recording.channels] == [True, True, False]
        # Second 0 of a Raw is its first sample.
        assert [(s.start_s, s.stop_s) for s in recording.segments] == [(0.0, 2.0), (4.0, 8.0)]
        assert [(a.time_s, a.text) for a in recording.annotations] == [(1.0, "Stim"), (5.0, "Stim")]
        times = np.array([1.0, 3.0, 5.0])
        (batch,) = recording.windows(times, 0.5, 0.5)
        assert batch.index.tolist() == [0, 2]
        (original,) = gapped.windows(times + 1, 0.5, 0.5)
        np.testing.assert_allclose(batch.samples, original.samples, rtol=1e-5, atol=1e-5)
        assert sum(block.samples.shape[1] for block in recording.stream([0])) == 600
        assert len(recording.read_digital(0)) == 600
        assert len(recording.sha256) == 64


@pytest.mark.parametrize("is_relative", [True, False])
def test_what_mne_says_names_no_folder(gapped, tmp_path, monkeypatch, is_relative):
    monkeypatch.chdir(tmp_path)
    folder = Path("Doe_Jane") if is_relative else tmp_path / "Doe_Jane"
    folder.mkdir()
    gapped.to_mne().save(folder / "case_raw.fif", verbose="ERROR")
    (folder / "case_raw.fif").rename(folder / "case.fif")  # mne warns of names that it would not give
    with read_recording(folder / "case.fif") as recording:
        (problem,) = (one for one in recording.problems if one.code == "mne_warning")
    assert "(case.fif)" in problem.message
    (folder / "case.vhdr").write_text(BRAINVISION.replace("SamplingInterval=200\n", ""), encoding="utf-8")
    with pytest.raises(MalformedRecording, match=r"^case\.vhdr: mne cannot read it: .* case\.vhdr") as caught:
        read_recording(folder / "case.vhdr")
    assert "Doe" not in problem.message + str(caught.value)
    assert str(tmp_path) not in problem.message + str(caught.value)


BRAINVISION = """BrainVision Data Exchange Header File Version 1.0
[Common Infos]
Codepage=UTF-8
DataFile=case.eeg
MarkerFile=case.vmrk
DataFormat=BINARY
DataOrientation=MULTIPLEXED
NumberOfChannels=3
SamplingInterval=200
[Binary Infos]
BinaryFormat=INT_16
[Channel Infos]
Ch1=R Mentalis,,0.5,µV
Ch2=L Mentalis,,0.5,mV
Ch3=Force,,1,kg
"""
MARKERS = """BrainVision Data Exchange Marker File, Version 1.0
[Common Infos]
Codepage=UTF-8
DataFile=case.eeg
[Marker Infos]
Mk1=Stimulus,S  1,101,1,0
"""


def test_what_mne_cannot_read_as_a_number_is_not_quoted(tmp_path):
    """The rest of a free text, behind a comma that its writer did not escape."""
    (tmp_path / "case.vhdr").write_text(BRAINVISION, encoding="utf-8")
    (tmp_path / "case.eeg").write_bytes(bytes(600))
    markers = MARKERS + "Mk2=Comment,surgeon, Dr. Muller,201,1,0\n"
    (tmp_path / "case.vmrk").write_text(markers, encoding="utf-8")
    with pytest.raises(MalformedRecording, match="mne cannot read it: invalid literal") as caught:
        read_recording(tmp_path / "case.vhdr")
    assert "Muller" not in str(caught.value)


@pytest.mark.parametrize("text", ["BAD boundary", "EDGE boundary", "boundary", "New Segment/"])
def test_nothing_is_cut_across_a_pause_that_a_file_marks(tmp_path, text):
    import mne

    samples = np.arange(1000.0)
    raw = mne.io.RawArray(
        samples[np.newaxis] / 1e6, mne.create_info(["R Mentalis"], 100.0, ["emg"]), verbose="ERROR"
    )
    raw.set_annotations(mne.Annotations([0.0, 4.0, 4.0], 0.0, [text, text, text]))
    path = tmp_path / "case_raw.fif"
    raw.save(path, verbose="ERROR")
    with read_recording(path) as recording:
        assert [(s.start_s, s.stop_s) for s in recording.segments] == [(0.0, 4.0), (4.0, 10.0)]
        (problem,) = recording.problems
        assert (problem.code, "after 4 s" in problem.message) == ("pause_untold", True)
        (batch,) = recording.windows([2.0, 3.95, 5.0], 0.1, 0.1)
        assert batch.index.tolist() == [0, 2]
        assert batch.samples[1, 0, 0] == pytest.approx(490)
        again = recording.to_mne()
    assert set(again.annotations.description) == {text}, "what marks the pause already is not doubled"


def test_free_text_that_begins_like_a_pause_is_none(tmp_path):
    import mne

    info = mne.create_info(["R Mentalis"], 100.0, ["emg"])
    raw = mne.io.RawArray(np.zeros((1, 1000)), info, verbose="ERROR")
    raw.set_annotations(
        mne.Annotations([4.0, 6.0], 0.0, ["Boundary of tumour reached", "New segment of surgery"])
    )
    raw.save(tmp_path / "case_raw.fif", verbose="ERROR")
    with read_recording(tmp_path / "case_raw.fif") as recording:
        assert len(recording.segments) == 1


def test_brainvision_comes_in_microvolts_and_other_units_are_checked(tmp_path):
    stored = np.arange(1500, dtype="<i2").reshape(500, 3)
    (tmp_path / "case.eeg").write_bytes(stored.tobytes())
    (tmp_path / "case.vhdr").write_text(BRAINVISION, encoding="utf-8")
    (tmp_path / "case.vmrk").write_text(MARKERS, encoding="utf-8")
    with read_recording(tmp_path / "case.vhdr") as recording:
        assert recording.format == "BrainVision"
        assert [channel.rate_hz for channel in recording.channels] == [5000] * 3
        assert [channel.is_voltage for channel in recording.channels[:2]] == [True, True]
        assert not recording.channels[2].is_voltage
        (block,) = recording.stream()
        np.testing.assert_allclose(block.samples[0], stored[:, 0] * 0.5, rtol=1e-5)
        np.testing.assert_allclose(block.samples[1], stored[:, 1] * 500.0, rtol=1e-5)
        (annotation,) = (a for a in recording.annotations if "S  1" in a.text)
        assert annotation.time_s == pytest.approx(0.02)


def test_eeglab_is_read(tmp_path):
    from scipy.io import savemat

    data = np.random.default_rng(2).normal(0, 50, (2, 400))
    channels = np.array([("R Mentalis",), ("L Mentalis",)], dtype=[("labels", object)])
    eeg = {"nbchan": 2, "srate": 1000.0, "trials": 1, "pnts": 400, "xmin": 0.0, "xmax": 0.399, "data": data}
    eeg |= {"chanlocs": channels, "event": [], "epoch": [], "icawinv": [], "icaweights": [], "icasphere": []}
    savemat(tmp_path / "case.set", {"EEG": eeg}, appendmat=False)
    with read_recording(tmp_path / "case.set") as recording:
        assert recording.format == "EEGLAB"
        (block,) = recording.stream()
        np.testing.assert_allclose(block.samples, data, rtol=1e-4, atol=1e-3)
        assert [channel.label for channel in recording.channels] == ["R Mentalis", "L Mentalis"]


def test_a_file_that_no_adapter_knows_is_refused(tmp_path):
    for name in ("notes.txt", "case.xyz"):
        path = tmp_path / name
        path.write_text("not a recording")
        with pytest.raises(UnknownFormat, match=name):
            read_recording(path)
    with pytest.raises(UnknownFormat, match="a folder"):
        read_recording(tmp_path)


def test_a_damaged_file_of_another_format_is_refused(tmp_path):
    path = tmp_path / "case_raw.fif"
    path.write_bytes(b"damaged" * 10)
    with pytest.raises(MalformedRecording, match="case_raw"):
        read_recording(path)


def test_sweeps_become_epochs():
    sweeps = np.random.default_rng(1).normal(0, 20, (5, 201))
    epochs = epochs_from_sweeps(sweeps, np.linspace(-5, 15, 201), "R Mentalis")
    assert epochs.tmin == pytest.approx(-0.005)
    assert epochs.info["sfreq"] == pytest.approx(10_000)
    np.testing.assert_allclose(epochs.get_data()[:, 0] * 1e6, sweeps)


def test_onsets_become_annotations_where_there_was_a_response():
    marks = annotations_from_onsets([1.0, 2.0, 3.0], [10.0, np.nan, 12.0], "LSR R Mentalis", duration_ms=8)
    np.testing.assert_allclose(marks.onset, [1.010, 3.012])
    assert set(marks.description) == {"LSR R Mentalis"}
