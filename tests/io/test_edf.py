"""EDF and BDF samples: the right numbers, from the right place, at the right time."""

from __future__ import annotations

import os
import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lsr.errors import MalformedRecording, RecordingNotFound, UnreadableSamples
from lsr.io import edf
from lsr.io.registry import read_recording


@pytest.fixture
def gapped(write_edf, drawn, keep_time, count_up, saved) -> Path:
    """Ten records of 1 s at 1 kHz, 5.5 s missing after the fifth."""
    starts = ["+0", "+1", "+2", "+3", "+4", "+10.5", "+11.5", "+12.5", "+13.5", "+14.5"]
    return saved(write_edf([drawn(stored=count_up(10, 1000)), keep_time(starts)], kind="EDF+D"))


def test_segments_are_runs_of_contiguous_records(gapped):
    with read_recording(gapped) as recording:
        assert [(s.start_s, s.stop_s) for s in recording.segments] == [(0.0, 5.0), (10.5, 15.5)]
        assert recording.format == "EDF+D"
        assert recording.duration_s == 10.0
        assert recording.channels[0].n_samples == 10_000
        assert not recording.problems


def test_a_window_behind_a_gap_holds_what_was_recorded_then(gapped):
    with read_recording(gapped) as recording:
        (batch,) = recording.windows([11.75], 0.01, 0.02)
    expected = (5 * 1000 + 1250 - 10 + np.arange(30)) * 0.1
    np.testing.assert_allclose(batch.samples[0, 0], expected, rtol=1e-6)
    assert batch.offset_s[0] == pytest.approx(0, abs=1e-12)


def test_windows_that_touch_a_gap_or_an_end_are_left_out(gapped):
    times = [0.05, 0.2, 4.95, 7.0, 10.45, 10.65, 15.45, -1e9, 1e300]
    with read_recording(gapped) as recording:
        (batch,) = recording.windows(times, 0.1, 0.1)
        assert batch.index.tolist() == [1, 5]
        np.testing.assert_array_equal(np.flatnonzero(recording.windows_inside(times, 0.1, 0.1)), batch.index)


def test_streaming_crosses_no_gap_and_loses_no_sample(gapped):
    with read_recording(gapped) as recording:
        blocks = list(recording.stream(seconds=2.0))
        stored = recording.read_digital(0)
    assert [block.start_s for block in blocks] == [0.0, 2.0, 4.0, 10.5, 12.5, 14.5]
    joined = np.concatenate([block.samples[0] for block in blocks])
    np.testing.assert_allclose(joined, stored * 0.1, rtol=1e-6)
    np.testing.assert_array_equal(stored, np.arange(10_000))


def test_every_channel_keeps_its_own_rate(write_edf, drawn, count_up, saved):
    signals = [
        drawn(label="fast", stored=count_up(4, 2000)),
        drawn(label="slow", stored=count_up(4, 500)),
        drawn(label="fast too", stored=count_up(4, 2000, 7)),
    ]
    with read_recording(saved(write_edf(signals, kind="EDF"))) as recording:
        assert not recording.problems
        assert [channel.rate for channel in recording.channels] == [2000, 500, 2000]
        fast, slow = recording.windows([1.2], 0.0, 0.1)
        assert fast.channels == (0, 2)
        assert slow.channels == (1,)
        np.testing.assert_allclose(fast.samples[0, 0], np.arange(2400, 2600) * 0.1, rtol=1e-6)
        np.testing.assert_allclose(fast.samples[0, 1], np.arange(2407, 2607) * 0.1, rtol=1e-6)
        np.testing.assert_allclose(slow.samples[0, 0], np.arange(600, 650) * 0.1, rtol=1e-6)


def test_times_between_samples_are_told_by_the_offset(write_edf, drawn, count_up, saved):
    with read_recording(saved(write_edf([drawn(stored=count_up(3, 1000))], kind="EDF"))) as recording:
        times = np.array([1.2344, 1.2346, 1.0])
        (batch,) = recording.windows(times, 0.05, 0.05)
    first_s = batch.samples[:, 0, 0] / 0.1 / 1000
    np.testing.assert_allclose(first_s, times[batch.index] - 0.05 + batch.offset_s, atol=1e-6)
    assert (np.abs(batch.offset_s) <= 0.5e-3 + 1e-12).all()


@pytest.mark.parametrize("kind", ["EDF", "BDF"])
@pytest.mark.parametrize("record_s", ["0.05", "1", "30"])
def test_windows_and_stretches_agree_with_the_stored_integers(write_edf, drawn, saved, kind, record_s):
    rng = np.random.default_rng(3)
    top = 2 ** (23 if kind == "BDF" else 15)
    n_samples, n_records = int(2000 * float(record_s)), int(60 / float(record_s))
    signals = [
        drawn(label=f"ch{n}", stored=rng.integers(-top, top, (n_records, n_samples))) for n in range(3)
    ]
    signals.insert(1, drawn(label="slow", stored=rng.integers(-top, top, (n_records, n_samples // 4))))
    with read_recording(saved(write_edf(signals, kind=kind, record_s=record_s))) as recording:
        chosen = (0, 2, 3)
        stored = np.stack([recording.read_digital(channel) for channel in chosen])
        np.testing.assert_array_equal(stored[1], signals[2].stored.ravel())
        channel = recording.channels[0]
        (block,) = recording.stream(chosen, seconds=100)
        expected = channel.rail_min_uv + (stored.astype(np.float64) + top) * channel.resolution_uv
        # Single precision has the 24 bits of BDF, and no more.
        np.testing.assert_allclose(block.samples, expected, atol=channel.rail_max_uv * 2.0**-22)
        for batch in recording.windows([0.0, 17.3, 29.95, 59.8], 0.0, 0.2, chosen):
            for window, index in zip(batch.samples, batch.index, strict=True):
                first = round([0.0, 17.3, 29.95, 59.8][index] * 2000)
                np.testing.assert_array_equal(window, block.samples[:, first : first + 400])


def test_a_platform_without_preadv_reads_the_same(gapped, monkeypatch):
    with read_recording(gapped) as recording:
        expected = [block.samples for block in recording.stream()]
    monkeypatch.setattr(edf, "_HAS_PREADV", False)
    with read_recording(gapped) as recording:
        for block, samples in zip(recording.stream(), expected, strict=True):
            np.testing.assert_array_equal(block.samples, samples)


def test_record_onsets_do_not_drift_over_twelve_hours(write_edf, drawn, keep_time, saved):
    n_records = 43_200 * 3
    step = Fraction(1, 3)
    starts = [f"+{float(n * step):.6f}" for n in range(n_records)]
    signals = [drawn(stored=np.zeros((n_records, 50), dtype=np.int8)), keep_time(starts)]
    path = saved(write_edf(signals, record_s="0.333333"))
    with read_recording(path) as recording:
        # A third of a microsecond is missing from the header's duration: less than half a sample at 150 Hz.
        assert len(recording.segments) == 1
        assert recording.segments[0].stop_s == pytest.approx(43_200, abs=1e-5)
        (batch,) = recording.windows([43_199.0], 0.0, 0.01)
        assert abs(batch.offset_s[0]) <= 0.5 / 150


def test_onsets_rounded_to_milliseconds_split_no_recording_for_good(
    write_edf, drawn, keep_time, count_up, saved
):
    starts = ["+0", "+0.333", "+0.667", "+1"]  # records of a third of a second, 15 kHz: 5 samples off
    signals = [drawn(stored=count_up(4, 5000)), keep_time(starts)]
    with read_recording(saved(write_edf(signals, record_s="0.333333"))) as recording:
        assert {problem.code for problem in recording.problems} == {"records_overlap", "gap_not_declared"}
        assert recording.record_times_s.tolist() == [0, 0.333, 0.667, 1]
        assert sum(block.samples.shape[1] for block in recording.stream()) == 20_000


def test_a_start_between_two_seconds_moves_the_first_segment(write_edf, drawn, keep_time, count_up, saved):
    note = b"+0.623456789012\x14Stimulus\x14\0"
    signals = [drawn(stored=count_up(2, 100)), keep_time(["+0.123456789012", "+1.123456789012"], [note, b""])]
    with read_recording(saved(write_edf(signals))) as recording:
        assert recording.segments[0].start_s == 0.123456789012
        (annotation,) = recording.annotations
        assert annotation.inside
        (batch,) = recording.windows([annotation.time_s], 0.0, 0.05)
        assert batch.samples[0, 0, 0] == pytest.approx(5.0)


def test_annotations_of_all_signals_are_kept_inside_the_data_or_not(
    write_edf, drawn, keep_time, count_up, saved
):
    first = keep_time(["+0", "+1"], [b"+0.5\x15" + b"0.25\x14Stim\x14twice\x14\0", b"-3\x14before\x14\0"])
    second = drawn(
        label="EDF Annotations", notes=[b"+99.5\x14after\x14\0", "+1.5\x150.125\x14µ\x14\0".encode()]
    )
    with read_recording(saved(write_edf([first, drawn(stored=count_up(2, 100)), second]))) as recording:
        found = [(a.time_s, a.duration_s, a.text, a.inside, a.record) for a in recording.annotations]
    assert sorted(found) == [
        (-3.0, None, "before", False, 1),
        (0.5, 0.25, "Stim", True, 0),
        (0.5, 0.25, "twice", True, 0),
        (1.5, 0.125, "µ", True, 1),
        (99.5, None, "after", False, 0),
    ]


def test_annotations_of_several_signals_come_in_the_order_of_the_file(
    write_edf, drawn, keep_time, count_up, saved
):
    first = keep_time(["+0", "+1"], [b"+0.5\x14a\x14b\x14\0", b"+1.5\x14d\x14\0"])
    second = drawn(label="EDF Annotations", notes=[b"+0.7\x14c\x14\0", b"+1.2\x14e\x14\0"])
    with read_recording(saved(write_edf([first, drawn(stored=count_up(2, 100)), second]))) as recording:
        assert [(one.text, one.record) for one in recording.annotations] == [
            *(("a", 0), ("b", 0), ("c", 0)),
            *(("d", 1), ("e", 1)),
        ]


@pytest.mark.parametrize("kind", ["EDF+C", "EDF+D"])
def test_only_the_first_annotation_signal_keeps_the_time(write_edf, drawn, keep_time, count_up, saved, kind):
    second = drawn(label="EDF Annotations", notes=[b"+5.25\x14\x14\0", b"+6\x14\x14c\x14\0"])
    signals = [keep_time(["+0", "+1"]), drawn(stored=count_up(2, 100)), second]
    with read_recording(saved(write_edf(signals, kind=kind))) as recording:
        assert recording.record_times_s.tolist() == [0.0, 1.0]
        assert recording.problems == ()


def test_nothing_between_annotations_is_no_broken_one(write_edf, drawn, keep_time, count_up, saved):
    notes = keep_time(["+0"], [b"+0.2\x14a\x14\0\0\0+0.7\x14b\x14c\x14\0"])
    with read_recording(saved(write_edf([notes, drawn(stored=count_up(1, 100))]))) as recording:
        assert [one.text for one in recording.annotations] == ["a", "b", "c"]
        assert recording.problems == ()


def test_a_closed_recording_says_so(gapped):
    recording = read_recording(gapped)
    recording.close()
    with pytest.raises(UnreadableSamples, match=r"case\.edf"):
        recording.read_digital(0)


def test_a_closed_recording_says_so_of_long_stretches_too(gapped, monkeypatch):
    monkeypatch.setattr(edf, "_WORTH_A_THREAD_BYTES", 1)  # as though its stretches were long
    recording = read_recording(gapped)
    assert list(recording.stream())
    recording.close()
    with pytest.raises(UnreadableSamples, match=r"case\.edf"):
        list(recording.stream())


def test_a_file_that_becomes_shorter_while_it_is_read_is_an_error(gapped):
    with read_recording(gapped) as recording:
        os.truncate(gapped, 5000)
        with pytest.raises(UnreadableSamples, match="became shorter"):
            recording.read_digital(0)


@pytest.mark.parametrize("has_preadv", [True, False])
def test_a_disk_that_fails_midway_is_an_error_with_the_place(gapped, monkeypatch, has_preadv):
    def fail(*args):
        raise OSError(5, "Input/output error")

    with read_recording(gapped) as recording:
        monkeypatch.setattr(edf, "_HAS_PREADV", has_preadv)
        if has_preadv:
            monkeypatch.setattr(os, "preadv", fail)
        else:
            recording._store._file.file.close()
        with pytest.raises(UnreadableSamples, match=r"case\.edf: reading \d+ bytes from byte \d+"):
            list(recording.stream())


@pytest.mark.skipif(not edf._HAS_PREADV, reason="the platform lacks preadv")
def test_short_reads_are_completed(gapped, monkeypatch):
    whole = os.preadv
    with read_recording(gapped) as recording:
        expected = recording.read_digital(0)
        monkeypatch.setattr(
            os, "preadv", lambda n, bufs, at: whole(n, (bufs[0][: 1 + len(bufs[0]) // 3],), at)
        )
        np.testing.assert_array_equal(recording.read_digital(0), expected)


@pytest.mark.skipif(not edf._HAS_PREADV, reason="the platform lacks preadv")
def test_a_short_or_failing_read_of_a_single_row_is_completed_or_told(write_edf, drawn, saved, monkeypatch):
    monkeypatch.setattr(edf, "_CHEAP_SPAN_BYTES", 0)
    whole = os.preadv
    stored = np.random.default_rng(2).integers(-999, 999, (12, 40, 50))
    signals = [drawn(label=f"C{k}", stored=one) for k, one in enumerate(stored)]

    def fail(*args):
        raise OSError(5, "Input/output error")

    with read_recording(saved(write_edf(signals, record_s="0.05"))) as recording:
        (expected,) = recording.windows([0.5], 0.0, 0.02, [0, 11])
        list(recording.windows([1.1], 0.0, 0.02, [0, 11]))  # or memory would still hold what is expected
        monkeypatch.setattr(
            os, "preadv", lambda n, bufs, at: whole(n, (bufs[0][: 1 + len(bufs[0]) // 3],), at)
        )
        (batch,) = recording.windows([0.5], 0.0, 0.02, [0, 11])
        np.testing.assert_array_equal(batch.samples, expected.samples)
        monkeypatch.setattr(os, "preadv", fail)
        with pytest.raises(UnreadableSamples, match=r"case\.edf: reading \d+ bytes from byte \d+"):
            list(recording.windows([0.5], 0.0, 0.02, [0, 11]))


def test_a_folder_is_no_recording_and_says_so(tmp_path):
    with pytest.raises(RecordingNotFound, match="check the path"):
        edf.RawFile(tmp_path)


def scaled(drawn, write_edf, saved):
    """Four signals of 100 samples a record, each of its own scale, one of them about a zero of its own."""
    stored = np.random.default_rng(4).integers(-999, 999, (4, 30, 100))
    ranges = [("-3276.8", "3276.7"), ("-100", "100"), ("-100", "900"), ("-10", "10")]
    signals = [
        drawn(label=f"C{k}", stored=one, fields={"physical_min": low, "physical_max": high})
        for k, (one, (low, high)) in enumerate(zip(stored, ranges, strict=True))
    ]
    gains = np.array([(float(high) - float(low)) / 65535 for low, high in ranges])
    zeros = np.array([float(low) for low, _ in ranges]) + 32768 * gains
    path = saved(write_edf(signals, record_s="0.1"))
    return path, stored.reshape(4, -1) * gains[:, None] + zeros[:, None]


@pytest.mark.parametrize("cheap", [0, 64 << 10])
@pytest.mark.parametrize("chunk_bytes", [1, 1000, 512 << 10])
def test_every_channel_keeps_its_own_scale_in_whatever_order_and_pieces(
    write_edf, drawn, saved, monkeypatch, chunk_bytes, cheap
):
    monkeypatch.setattr(edf, "_CHUNK_BYTES", chunk_bytes)
    monkeypatch.setattr(edf, "_CHEAP_SPAN_BYTES", cheap)
    path, emg_uv = scaled(drawn, write_edf, saved)
    with read_recording(path) as recording:
        for channels in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0], [0, 1, 3], [1]):
            read_uv = recording._store.read_stretch(channels, 37, 1234)
            np.testing.assert_allclose(read_uv, emg_uv[channels, 37 : 37 + 1234], rtol=1e-5, atol=1e-3)
            for n_samples in (20, 90, 120, 450):
                windows = recording._store.read_windows(channels, np.array([95, 250]), n_samples)
                expected = np.stack([emg_uv[channels, at : at + n_samples] for at in (95, 250)])
                np.testing.assert_allclose(windows, expected, rtol=1e-5, atol=1e-3)
        for channel in range(4):
            assert recording.read_digital(channel).size == 3000


def test_the_thread_that_helps_to_read_ends_with_the_recording(gapped, monkeypatch):
    monkeypatch.setattr(edf, "_WORTH_A_THREAD_BYTES", 1)
    before = threading.active_count()
    with read_recording(gapped) as recording:
        recording._store.read_stretch((0,), 0, 4000)
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_four_thousand_signals_are_read(write_edf, drawn, count_up, saved):
    signals = [drawn(label=f"ch{n}", stored=count_up(3, 4, n)) for n in range(4000)]
    with read_recording(saved(write_edf(signals, kind="EDF"))) as recording:
        (block,) = recording.stream()
        np.testing.assert_allclose(block.samples[:, 0], np.arange(4000) * 0.1, rtol=1e-6)


def test_no_patient_name_reaches_a_recording_or_an_error(write_edf, drawn, count_up, saved):
    good = write_edf([drawn(stored=count_up(2, 100))])
    with read_recording(saved(good)) as recording:
        assert "Secret" not in repr(recording) + repr(vars(recording)) + repr(recording.problems)
    broken = write_edf([drawn(stored=count_up(2, 100))], fixed={"n_signals": "ab"})
    with pytest.raises(MalformedRecording) as error:
        read_recording(saved(broken))
    assert "Secret" not in str(error.value)


@pytest.mark.parametrize(
    "odd",
    [
        "+0.5\x14Müller seen\x14\0".encode("latin-1"),
        b"+0.5\x14Muller seen",
        b"0,5\x14Muller seen\x14\0",
        b"+0.5\x15Muller\x14seen\x14\0",
        b"+0.5\x14Muller\x14+0.7\x14seen\x14\0",
        b"Muller +0.5\x14seen\x14\0",
    ],
)
def test_what_is_odd_about_an_annotation_is_told_without_its_text(
    write_edf, drawn, keep_time, count_up, saved, odd
):
    notes = keep_time(["+0", "+1"], [odd, b""])
    with read_recording(saved(write_edf([notes, drawn(stored=count_up(2, 100))]))) as recording:
        (problem,) = recording.problems
    assert problem.message.startswith("record 0, byte ")
    assert "ller" not in problem.message
    assert "seen" not in problem.message


@pytest.mark.parametrize("chunk_bytes", [1000, 512 << 10])
def test_the_digest_is_that_of_the_file(gapped, monkeypatch, chunk_bytes):
    import hashlib

    monkeypatch.setattr(edf, "_CHUNK_BYTES", chunk_bytes)
    with read_recording(gapped) as recording:
        assert recording.sha256 == hashlib.sha256(gapped.read_bytes()).hexdigest()


def test_reading_a_large_sparse_file_takes_no_memory(write_edf, drawn, count_up, saved):
    import tracemalloc

    path = saved(write_edf([drawn(label=f"ch{n}", stored=count_up(1, 20_000)) for n in range(8)], kind="EDF"))
    os.truncate(path, 2056 + 256 + 320_000 * 31_250)  # 10 GB
    tracemalloc.start()
    with read_recording(path) as recording:
        (batch,) = recording.windows([31_000.0], 0.1, 0.1)
        assert tracemalloc.get_traced_memory()[1] < 8e6
    tracemalloc.stop()
    assert not batch.samples.any()


def test_a_closed_recording_reads_no_other_file_that_is_opened_then(
    write_edf, drawn, count_up, saved, tmp_path
):
    recording = read_recording(saved(write_edf([drawn(stored=count_up(2, 50))])))
    recording.close()
    other = tmp_path / "other.edf"
    other.write_bytes(bytes(100_000))
    with other.open("rb"), pytest.raises(UnreadableSamples):
        list(recording.stream())


@pytest.mark.parametrize("record_s", ["0.05", "1", "30"])
def test_a_stretch_read_in_two_halves_is_what_was_stored(write_edf, drawn, saved, monkeypatch, record_s):
    monkeypatch.setattr(edf, "_WORTH_A_THREAD_BYTES", 1)
    n_samples = round(1000 * float(record_s))
    n_records = 60_000 // n_samples
    stored = np.random.default_rng(1).integers(-999, 999, (n_records, n_samples))
    with read_recording(saved(write_edf([drawn(stored=stored)], record_s=record_s))) as recording:
        emg_uv = stored.ravel() * recording.channels[0].resolution_uv
        for first, count in ((0, 4000), (10_000, 4000), (25_000, 20_000)):
            (read_uv,) = recording._store.read_stretch((0,), first, count)
            np.testing.assert_allclose(read_uv, emg_uv[first : first + count], rtol=1e-5, atol=1e-3)


def test_a_window_over_parts_of_records_of_many_signals_is_what_was_stored(
    write_edf, drawn, saved, monkeypatch
):
    monkeypatch.setattr(edf, "_CHEAP_SPAN_BYTES", 0)
    stored = np.random.default_rng(2).integers(-999, 999, (12, 40, 50))
    signals = [drawn(label=f"C{k}", stored=one) for k, one in enumerate(stored)]
    with read_recording(saved(write_edf(signals, record_s="0.05"))) as recording:
        for first, stop in (
            (480, 630),
            (495, 565),
        ):  # three records and a part; one, and ends of its neighbours
            (batch,) = recording.windows([0.5], 0.5 - first / 1000, stop / 1000 - 0.5, [0, 11])
            for row, channel in enumerate(batch.channels):
                emg_uv = stored[channel].ravel()[first:stop] * recording.channels[channel].resolution_uv
                np.testing.assert_allclose(batch.samples[0, row], emg_uv, rtol=1e-5, atol=1e-3)


def test_what_is_no_voltage_has_neither_rails_nor_a_resolution(write_edf, drawn, count_up, saved):
    warm = drawn(label="Temp", stored=count_up(2, 50), fields={"unit": "degC"})
    with read_recording(saved(write_edf([warm, drawn(stored=count_up(2, 50))], kind="EDF"))) as recording:
        told = [(one.rail_min_uv, one.rail_max_uv, one.resolution_uv) for one in recording.channels]
    assert told[0] == (None, None, None)
    assert told[1] == (-3276.8, 3276.7, pytest.approx(0.1))


# --- time ----------------------------------------------------------------------------------------------


@pytest.fixture
def timed(write_edf, drawn, keep_time, count_up, saved):
    """A file whose records start when they say, if they do; `extra` follows in their annotations."""

    def make(starts, extra=None, *, n_samples=100, record_s="1"):
        notes = keep_time(starts, extra or [b""] * len(starts))
        notes.notes = [
            note if start else note.removeprefix(b"\x14\x14\0")
            for note, start in zip(notes.notes, starts, strict=True)
        ]
        signals = [drawn(stored=count_up(len(starts), n_samples)), notes]
        return saved(write_edf(signals, record_s=record_s))

    return make


def test_a_record_that_begins_a_tenth_before_the_end_of_another_runs_backwards(timed):
    with pytest.raises(MalformedRecording, match="backwards"):
        read_recording(timed(["+0", "+1", "+1.9", "+2.9"]))


def test_a_record_that_begins_samples_before_the_end_of_another_is_a_segment_of_its_own(timed):
    with read_recording(timed(["+0", "+0.099", "+0.199"], n_samples=1000, record_s="0.1")) as recording:
        assert len(recording.segments) == 2


def test_the_fastest_channel_tells_what_is_a_gap(write_edf, drawn, keep_time, count_up, saved):
    """Of 4 ms: four samples of one channel, and hardly any of the other."""
    signals = [drawn(stored=count_up(2, 1000)), drawn(stored=count_up(2, 10)), keep_time(["+0", "+1.004"])]
    with read_recording(saved(write_edf(signals, kind="EDF+D"))) as recording:
        assert [one.start_s for one in recording.segments] == [0.0, 1.004]


def test_time_kept_behind_other_annotations_is_found_in_a_continuous_file_too(timed):
    extra = [b"+%d.5\x14Stim\x14\0+%d\x14\x14\0" % (start, start) for start in (10, 11, 12)]
    with read_recording(timed(["", "", ""], extra)) as recording:
        assert recording.record_times_s.tolist() == [10.0, 11.0, 12.0]
        assert "time_keeping_moved" in {problem.code for problem in recording.problems}


def test_an_annotation_at_the_very_end_lies_outside_the_data(timed):
    with read_recording(timed(["+0"], [b"+1\x14Stim\x14\0"])) as recording:
        assert [annotation.inside for annotation in recording.annotations] == [False]


# --- header --------------------------------------------------------------------------------------------


def test_two_start_dates_that_differ_by_the_year_are_told(write_edf, drawn, count_up, saved):
    """The recording field says 2023; the date beside it, of two digits, 2024."""
    path = saved(write_edf([drawn(stored=count_up(1, 50))], fixed={"date": "02.03.24"}))
    with read_recording(path) as recording:
        assert "start_dates_differ" in {problem.code for problem in recording.problems}
        assert recording.start.year == 2024


def test_a_rate_that_no_amplifier_has_is_refused(write_edf, drawn, count_up, saved):
    with pytest.raises(MalformedRecording, match="that gives"):
        read_recording(saved(write_edf([drawn(stored=count_up(1, 50))], record_s="1e-6")))
