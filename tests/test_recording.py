"""Laws that hold for every recording, whatever format it came from."""

from __future__ import annotations

import copy
import pickle
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lsr.errors import UnknownUnit
from lsr.io.registry import read_recording
from lsr.recording import Annotation, Recording, Segment

SAMPLE_DATA = Path(__file__).parents[1] / "sample_data"


@pytest.fixture
def recording() -> Recording:
    """Two channels, 1000 and 250 Hz; 2 s recorded, 3 s missing, 4 s recorded; a sample tells its number."""
    return Recording.from_arrays(
        [np.arange(6000.0), np.arange(1500.0)],
        rates_hz=[1000, 250],
        labels=["R Mentalis", "trigger"],
        units=["uV", ""],
        segments=[Segment(start_s=0.0, stop_s=2.0), Segment(start_s=5.0, stop_s=9.0)],
        annotations=[
            Annotation(time_s=time_s, duration_s=None, text="Stim") for time_s in (1.0, 3.0, 5.0, 9.0)
        ],
    )


def sample_time_s(number: np.ndarray, rate_hz: float) -> np.ndarray:
    return np.where(number < 2 * rate_hz, number / rate_hz, number / rate_hz + 3)


def test_every_sample_of_a_window_was_taken_when_the_batch_says(recording):
    times = np.random.default_rng(1).uniform(-1, 10, 500)
    n_found = 0
    for batch in recording.windows(times, 0.05, 0.1):
        taken = sample_time_s(batch.samples[:, 0].astype(float), batch.rate_hz)
        told = times[batch.index] - 0.05 + batch.offset_s
        told = told[:, np.newaxis] + np.arange(batch.samples.shape[2]) / batch.rate_hz
        np.testing.assert_allclose(taken, told, atol=1e-9)
        assert (np.abs(batch.offset_s) <= 0.5 / batch.rate_hz + 1e-12).all()
        n_found += len(batch.index)
    assert n_found > 400


@pytest.mark.parametrize("start_s", [0.0137 * number for number in range(1, 200)])
def test_half_a_sample_before_a_segment_its_first_sample_is_told(start_s):
    segments = [Segment(start_s=start_s, stop_s=start_s + 1.0)]
    recording = Recording.from_arrays(
        [np.arange(20_000.0)], rates_hz=20_000, labels=["R Mentalis"], segments=segments
    )
    asked_s = start_s - 0.000025
    for batch in recording.windows([asked_s], 0.0, 0.01):
        told_s = asked_s + batch.offset_s[0]
        assert told_s == pytest.approx(start_s + float(batch.samples[0, 0, 0]) / 20_000, abs=1e-9)


def test_a_window_is_left_out_only_where_a_sample_is_missing(recording):
    times = np.arange(0, 9.5, 0.01)
    inside = recording.windows_inside(times, 0.1, 0.2, [0])
    expected = np.zeros(len(times), dtype=bool)
    for segment in recording.segments:
        expected |= (times - 0.1 >= segment.start_s - 1e-9) & (times + 0.2 <= segment.stop_s + 1e-9)
    np.testing.assert_array_equal(inside, expected)


def test_the_order_of_times_does_not_change_what_is_read(recording):
    times = np.array([6.0, 1.0, 5.5, 1.2])
    (forth,) = recording.windows(times, 0.1, 0.1, [0])
    (back,) = recording.windows(times[::-1], 0.1, 0.1, [0])
    np.testing.assert_array_equal(forth.samples, back.samples[::-1])


def test_channels_come_in_the_order_asked_for():
    recording = Recording.from_arrays([np.zeros(10), np.ones(10)], rates_hz=10, labels=["a", "b"])
    (batch,) = recording.windows([0.5], 0.2, 0.2, channels=[1, 0])
    assert batch.channels == (1, 0)
    assert batch.samples[0, :, 0].tolist() == [1.0, 0.0]


@pytest.mark.parametrize(("chosen", "kind"), [("b", TypeError), (None, TypeError), (2, IndexError)])
def test_a_channel_that_is_none_is_named_with_those_there_are(chosen, kind):
    recording = Recording.from_arrays([np.zeros(10), np.ones(10)], rates_hz=10, labels=["a", "b"])
    told = rf"arrays: channels are chosen by number \(0 is 'a', 1 is 'b'\), found {chosen!r}"
    with pytest.raises(kind, match=told):
        recording.read_digital(chosen)
    with pytest.raises(kind, match=told):
        next(recording.windows([0.5], 0.2, 0.2, channels=[chosen]))


def test_batches_are_bounded_however_many_times_are_asked_for(recording):
    times = np.full(20_000, 6.0)
    batches = list(recording.windows(times, 0.5, 0.5, [0]))
    assert len(batches) > 1
    assert all(batch.samples.nbytes <= 4 << 20 for batch in batches)
    np.testing.assert_array_equal(np.concatenate([batch.index for batch in batches]), np.arange(20_000))


@pytest.mark.parametrize("seconds", [0.3, 1.0, 100.0])
def test_streaming_gives_every_sample_once_and_its_time(recording, seconds):
    seen: dict[int, list[np.ndarray]] = {0: [], 1: []}
    for block in recording.stream(seconds=seconds):
        numbers = block.samples[0].astype(float)
        told = block.start_s + np.arange(len(numbers)) / block.rate_hz
        np.testing.assert_allclose(sample_time_s(numbers, block.rate_hz), told, atol=1e-9)
        seen[block.channels[0]].append(numbers)
    np.testing.assert_array_equal(np.concatenate(seen[0]), np.arange(6000))
    np.testing.assert_array_equal(np.concatenate(seen[1]), np.arange(1500))


def test_annotations_in_a_gap_or_at_the_end_lie_outside(recording):
    assert [annotation.inside for annotation in recording.annotations] == [True, False, True, False]


def test_a_channel_without_a_voltage_is_refused_where_one_is_needed(recording):
    recording.require_voltage(0)
    with pytest.raises(UnknownUnit, match="'trigger'"):
        recording.require_voltage(1)


def test_seconds_recorded_do_not_count_gaps(recording):
    assert (recording.duration_s, recording.end_s) == (6.0, recording.segments[-1].stop_s)


def test_equal_arrays_have_equal_digests():
    first, again, other = (
        Recording.from_arrays([np.full(10, value)], rates_hz=10, labels=["a"]).sha256
        for value in (1.0, 1.0, 2.0)
    )
    assert first == again != other


@pytest.mark.parametrize("samples", [np.ones(500) * 1j, ["a"] * 500, [None] * 500])
def test_arrays_of_anything_but_real_numbers_are_refused(samples):
    """The real part alone of an analytic signal would look like a quiet channel."""
    with pytest.raises(ValueError, match="samples of the type"):
        Recording.from_arrays([samples], rates_hz=1000, labels=["R Mentalis"])


def test_a_rate_that_no_float_holds_stays_exact():
    recording = Recording.from_arrays([np.zeros(10)], rates_hz=Fraction(1000, 3), labels=["a"])
    assert recording.channels[0].rate == Fraction(1000, 3)


def test_sweeps_as_segments_are_records_of_their_own():
    segments = [Segment(start_s=float(start), stop_s=start + 0.1) for start in range(3)]
    recording = Recording.from_arrays(
        [np.zeros(300)], rates_hz=1000, labels=["a"], segments=segments, records_are_segments=True
    )
    assert recording.record_times_s.tolist() == [0.0, 1.0, 2.0]
    assert recording.record_duration_s == pytest.approx(0.1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"labels": []},
        {"rates_hz": 0},
        {"segments": [Segment(start_s=0.0, stop_s=1.0), Segment(start_s=2.0, stop_s=9.0)]},
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(wrong):
    with pytest.raises(ValueError, match=r"rate|labels|samples"):
        Recording.from_arrays([np.zeros(10)], **{"rates_hz": 10, "labels": ["a"], **wrong})


@pytest.mark.parametrize("times", [[np.nan], [[1.0, 2.0]], [np.inf]])
def test_times_that_are_none_are_refused(recording, times):
    with pytest.raises(ValueError, match="finite"):
        list(recording.windows(times, 0.1, 0.1))


def test_a_window_without_a_sample_is_refused(recording):
    with pytest.raises(ValueError, match="no sample"):
        list(recording.windows([1.0], 0.0, 0.0001))


@pytest.mark.parametrize("copied", [pickle.dumps, copy.deepcopy])
def test_an_open_file_is_not_handed_on_but_its_path(copied):
    told = r"triggered_sweeps\.edf: .* hand on its path, and read it again"
    with read_recording(SAMPLE_DATA / "triggered_sweeps.edf") as opened, pytest.raises(TypeError, match=told):
        copied(opened)


def test_arrays_are_handed_on_whole(recording):
    handed = pickle.loads(pickle.dumps(recording))
    assert handed.channels == recording.channels
    assert np.array_equal(handed.read_digital(0), recording.read_digital(0))
