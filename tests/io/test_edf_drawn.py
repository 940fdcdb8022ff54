"""A thousand drawn files: what was written is what is read, at the time it was written for.

The truth is what was drawn; edfio and mne are asked, too, where they are right.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lsr.io.registry import read_recording

pytestmark = pytest.mark.slow

QUICK = settings(
    max_examples=1000,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
DURATIONS = ("1", "0.5", "0.1", "0.0512", "2", "0.333333", "30", "0.05")


@dataclass(frozen=True)
class Drawn:
    """A file before it is written."""

    kind: str
    record_s: str
    widths: tuple[int, ...]  # samples of each channel in a record
    starts: tuple[Fraction, ...]  # of the records
    texts: tuple[tuple[int, Fraction, str], ...]  # record, time, text
    note_signals: int
    notes_first: bool
    seed: int

    @property
    def stored(self) -> list[np.ndarray]:
        rng = np.random.default_rng(self.seed)
        top = 2 ** (23 if self.kind.startswith("BDF") else 15)
        return [rng.integers(-top, top, (len(self.starts), width)) for width in self.widths]


@st.composite
def recordings(draw, gaps: bool = True, one_rate: bool = False) -> Drawn:
    record_s = draw(st.sampled_from(DURATIONS))
    length = Fraction(record_s)
    n_records = draw(st.integers(1, 6))
    width = st.integers(1, 40)
    if one_rate:
        widths = (draw(width),) * draw(st.integers(1, 4))
    else:
        widths = tuple(draw(st.lists(width, min_size=1, max_size=4)))
    at = Fraction(draw(st.integers(0, 999_999)), 10**6)
    starts = []
    missing = draw(st.integers(0, 3**n_records - 1)) if gaps else 0  # a digit for each record
    for record in range(n_records):
        starts.append(at)
        at += length * (1, 2, 8)[missing // 3**record % 3]
    seed = draw(st.integers(0, 10**6))
    rng = np.random.default_rng(seed)
    texts = [
        (record, Fraction(int(rng.integers(-2_000, 20_000)), 1000), str(rng.choice(("Stim", "µ 中", "a b"))))
        for record in range(n_records)
        for _ in range(rng.integers(0, 3))
    ]
    kind = draw(st.sampled_from(("EDF+D", "BDF+D") if gaps else ("EDF+C", "BDF+C")))
    return Drawn(
        kind=kind,
        record_s=record_s,
        widths=widths,
        starts=tuple(starts),
        texts=tuple(texts),
        note_signals=draw(st.integers(1, 2)),
        notes_first=draw(st.booleans()),
        seed=seed,
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("drawn") / "drawn.edf"


@pytest.fixture(scope="module")
def write(path, write_edf, drawn):
    def save(file: Drawn) -> list[np.ndarray]:
        label = file.kind[:3] + " Annotations"
        stored = file.stored
        signals = [drawn(label=f"ch{n}", stored=numbers) for n, numbers in enumerate(stored)]
        for number in range(file.note_signals):
            notes = []
            for record, start in enumerate(file.starts):
                raw = f"+{float(start):.6f}\x14\x14\0" if number == 0 else ""
                for index, (where, time, text) in enumerate(file.texts):
                    if where == record and index % file.note_signals == number:
                        raw += f"{float(time):+.3f}\x14{text}\x14\0"
                notes.append(raw.encode())
            signal = drawn(label=label, notes=notes, note_samples=40)
            signals.insert(number if file.notes_first else len(signals), signal)
        path.write_bytes(write_edf(signals, kind=file.kind, record_s=file.record_s))
        return stored

    return save


def true_segments(file: Drawn, tolerance: Fraction) -> list[tuple[int, int]]:
    """Records of each segment: first, and one after the last."""
    length = Fraction(file.record_s)
    firsts = [0] + [
        record
        for record in range(1, len(file.starts))
        if abs(file.starts[record] - file.starts[record - 1] - length) > tolerance
    ]
    return list(zip(firsts, [*firsts[1:], len(file.starts)], strict=True))


@QUICK
@given(file=recordings(), at=st.floats(0, 1), before=st.floats(0, 0.5), after=st.floats(0.1, 1))
def test_a_drawn_file_is_read_as_it_was_drawn(write, path, file, at, before, after):
    stored = write(file)
    length = Fraction(file.record_s)
    with read_recording(path) as recording:
        assert recording.format == file.kind
        assert not recording.problems
        assert [channel.rate for channel in recording.channels] == [width / length for width in file.widths]
        runs = true_segments(file, length / max(file.widths) / 2)
        assert [segment.start_s for segment in recording.segments] == [
            float(file.starts[run[0]]) for run in runs
        ]
        assert sorted((a.record, a.time_s, a.text) for a in recording.annotations) == sorted(
            (record, float(time), text) for record, time, text in file.texts
        )
        for channel, numbers in enumerate(stored):
            np.testing.assert_array_equal(recording.read_digital(channel), numbers.ravel())
        check_windows(recording, file, stored, runs, at, before * float(length), after * float(length))


def check_windows(recording, file, stored, runs, at, before_s, after_s):
    """Look every window up in what was drawn, sample by sample."""
    length = Fraction(file.record_s)
    last_s = float(file.starts[-1] + length)
    times = np.array([at * last_s, float(file.starts[0]) + before_s, float(file.starts[-1]) + before_s])
    if any(round((before_s + after_s) * channel.rate_hz) < 1 for channel in recording.channels):
        return
    came = {}
    for batch in recording.windows(times, before_s, after_s):
        assert (np.abs(batch.offset_s) <= 0.5 / batch.rate_hz + 1e-9).all()
        for row, index in enumerate(batch.index):
            first_s = times[index] - before_s + batch.offset_s[row]
            for column, channel in enumerate(batch.channels):
                came[index, channel] = (first_s, batch.samples[row, column])
    for channel, numbers in enumerate(stored):
        described = recording.channels[channel]
        scale = described.resolution_uv
        for index in range(len(times)):
            found = came.get((index, channel))
            if found is not None:
                run, first = locate(file, runs, found[0], described.rate)
                whole = numbers[run[0] : run[1]].ravel()
                expected = whole[first : first + len(found[1])].astype(float)
                top = 2.0 ** (23 if file.kind.startswith("BDF") else 15)
                expected = described.rail_min_uv + (expected + top) * scale
                np.testing.assert_allclose(found[1], expected, atol=scale / 4, rtol=3e-7)
    stimulus_at_start = 1  # its window begins with the first sample, and fits if the segment is long enough
    run = runs[0]
    for channel, described in enumerate(recording.channels):
        n_samples = round((before_s + after_s) * described.rate_hz)
        fits = n_samples <= (run[1] - run[0]) * file.widths[channel]
        assert ((stimulus_at_start, channel) in came) == fits


def locate(file, runs, time_s, rate):
    """Find the segment of a sample taken at a time, and its number there."""
    for run in runs:
        first = (time_s - float(file.starts[run[0]])) * float(rate)
        count = (run[1] - run[0]) * float(Fraction(file.record_s) * rate)
        if -0.4 < first < count - 0.6:
            # Records of 0.333333 s that follow each other at 0.333333 s add up exactly, and so do all others.
            assert abs(first - round(first)) < 1e-3
            return run, round(first)
    raise AssertionError(f"no sample was taken at {time_s}")


@settings(QUICK, max_examples=60)
@given(file=recordings())
def test_edfio_finds_the_same_integers_and_annotations(write, path, file):
    import edfio

    write(file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = (edfio.read_bdf if file.kind.startswith("BDF") else edfio.read_edf)(path)
    with read_recording(path) as recording:
        for channel, signal in zip(recording.channels, other.signals, strict=True):
            np.testing.assert_array_equal(recording.read_digital(channel.index), signal.digital)
            assert channel.rate_hz == pytest.approx(signal.sampling_frequency)
            np.testing.assert_allclose(
                np.concatenate([block.samples[0] for block in recording.stream([channel.index])]),
                signal.data,
                rtol=1e-5,
                atol=channel.resolution_uv,
            )
        # edfio counts from the first record, not from the second that the header tells.
        start_s = recording.record_times_s[0]
        found = sorted((round(a.time_s - start_s, 6), a.text) for a in recording.annotations)
        assert found == sorted((round(a.onset, 6), a.text) for a in other.annotations)


@settings(QUICK, max_examples=30)
@given(file=recordings(gaps=False, one_rate=True))
def test_mne_finds_the_same_samples_where_there_is_no_gap_and_one_rate(write, path, file):
    import mne

    write(file)
    read = mne.io.read_raw_bdf if file.kind.startswith("BDF") else mne.io.read_raw_edf
    target = path.with_suffix(".bdf") if file.kind.startswith("BDF") else path
    if target != path:
        path.replace(target)
    other = read(target, preload=True, verbose="ERROR")
    with read_recording(target) as recording:
        (block,) = recording.stream(seconds=1000)
        np.testing.assert_allclose(block.samples, other.get_data() * 1e6, rtol=1e-5, atol=0.05)
