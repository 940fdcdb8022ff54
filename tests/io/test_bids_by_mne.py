"""A data set that mne-bids writes from the sample recordings gives the answers of the files themselves."""

from pathlib import Path

import pytest

import lsr
from lsr.io.bids_names import find_recordings

SAMPLES = Path(__file__).parents[2] / "sample_data"
TRIGGERS = {"trigger_channel": ["DC1"]}
NAMES = ("clinic_with_lsr", "clinic_without_lsr", "trigger_channel", "operation_vanishes")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("bids"))


def write_dataset(root):
    """Write the sample recordings as an EMG-BIDS data set, one subject each."""
    import warnings

    import mne
    import mne_bids

    for number, name in enumerate(NAMES, start=1):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what mne makes of gaps and filters
            raw = mne.io.read_raw_edf(SAMPLES / f"{name}.edf", verbose="error")
            kinds = {label: "stim" if label in TRIGGERS.get(name, ()) else "emg" for label in raw.ch_names}
            raw.set_channel_types(kinds, verbose="error")
            raw.info["line_freq"] = 50
            path = mne_bids.BIDSPath(subject=f"{number:02d}", task="lsr", datatype="emg", root=root)
            mne_bids.write_raw_bids(raw, path, emg_placement="Other", verbose="error")
    return root


def _answers(report):
    return [
        (pair.channel, pair.muscle, pair.side, pair.branch, pair.relation, pair.presence, pair.course)
        for pair in report.pairs
    ]


def test_every_recording_gives_the_answers_of_the_file_alone(dataset):
    found = find_recordings(dataset)
    assert [one.subject for one in found] == ["01", "02", "03", "04"]
    for one, name in zip(found, NAMES, strict=True):
        report, alone = lsr.analyze(one.path), lsr.analyze(SAMPLES / f"{name}.edf")
        assert _answers(report) == _answers(alone), name
        assert [s.n_stimuli for s in report.stimulation] == [s.n_stimuli for s in alone.stimulation]


def test_a_trigger_channel_is_one_because_the_table_says_so(dataset):
    with lsr.read_recording(find_recordings(dataset)[2].path) as recording:
        assert [channel.label for channel in recording.channels if channel.is_trigger] == ["DC1"]


def test_gaps_that_mne_closed_are_noticed(dataset):
    with lsr.read_recording(find_recordings(dataset)[3].path) as recording:
        assert [problem.code for problem in recording.problems] == ["bids_gaps_ignored"]
