"""EDF files: an independent reader finds in them what was written."""

import edfio
import numpy as np
import pytest

from lsr.synthetic.edf_writer import EdfText, quantise, write_continuous, write_discontinuous


def channels(n_samples, unit="uV", step_uv=0.1):
    rng = np.random.default_rng(1)
    return [
        quantise(rng.normal(0, 300, n_samples), label=label, unit=unit, step_uv=step_uv)
        for label in ("R Mentalis", "R O.Oculi")
    ]


STARTS_S = np.array([0.25, 600.0, 600.1, 725.3333])
TEXTS = [
    EdfText(time_s=0.26001, text="StimB"),
    EdfText(time_s=300.0, text="Decompression: teflon placed"),
    EdfText(time_s=600.123457, text="StimB"),
]


@pytest.fixture
def discontinuous(tmp_path):
    stored = channels(4 * 1000)
    path = tmp_path / "sweeps.edf"
    write_discontinuous(path, stored, record_starts_s=STARTS_S, record_s=0.1, texts=TEXTS)
    return path, stored


def record_texts(edf_path, record):
    """Annotation bytes of a record, found by the header alone."""
    content = edf_path.read_bytes()
    n_bytes, n_records, n_signals = int(content[184:192]), int(content[236:244]), int(content[252:256])
    counts = [int(content[256 + 216 * n_signals + 8 * k :][:8]) for k in range(n_signals)]
    size = 2 * sum(counts)
    assert len(content) == n_bytes + n_records * size
    start = n_bytes + record * size + 2 * sum(counts[:-1])
    return content[start : start + 2 * counts[-1]].rstrip(b"\0")


def test_edfio_reads_the_samples_of_every_record(discontinuous):
    path, stored = discontinuous
    edf = edfio.read_edf(path)
    assert edf.reserved == "EDF+D"
    assert edf.num_data_records == 4
    assert [signal.label for signal in edf.signals] == ["R Mentalis", "R O.Oculi"]
    for signal, channel in zip(edf.signals, stored, strict=True):
        assert signal.sampling_frequency == 10_000
        np.testing.assert_array_equal(signal.digital, channel.digital)
        np.testing.assert_allclose(signal.data, channel.digital * 0.1, atol=1e-6)


def test_edfio_reads_every_annotation_at_its_time(discontinuous):
    notes = edfio.read_edf(discontinuous[0]).annotations
    # edfio counts from the first record, which starts a quarter of a second after the header's time.
    found = [(pytest.approx(note.onset + STARTS_S[0]), note.text) for note in notes]
    assert [(one.time_s, one.text) for one in TEXTS] == found


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (0, b"+0.25\x14\x14\0+0.26001\x14StimB\x14"),
        (1, b"+600\x14\x14\0+300\x14Decompression: teflon placed\x14"),
        (2, b"+600.1\x14\x14\0+600.123457\x14StimB\x14"),
        (3, b"+725.3333\x14\x14"),
    ],
)
def test_each_record_opens_with_its_own_time_and_holds_what_is_tied_to_it(discontinuous, record, expected):
    assert record_texts(discontinuous[0], record) == expected


def test_the_header_is_anonymous_and_has_a_fixed_date(discontinuous):
    header = discontinuous[0].read_bytes()[:256].decode("ascii")
    assert header[8:88].rstrip() == "X X X X"
    assert header[88:168].rstrip() == "Startdate 02-JAN-2020 X X X"


def test_millivolts_hold_the_same_voltage(tmp_path):
    emg_uv = np.linspace(-3000, 3000, 1000)
    path = tmp_path / "mv.edf"
    channel = quantise(emg_uv, label="L Mentalis", unit="mV", step_uv=0.1)
    write_discontinuous(path, [channel], record_starts_s=np.array([0.0]), record_s=0.1)
    signal = edfio.read_edf(path).signals[0]
    assert signal.physical_dimension == "mV"
    np.testing.assert_allclose(1000 * signal.data, emg_uv, atol=0.051)


def test_voltage_beyond_sixteen_bits_is_clipped_not_wrapped():
    channel = quantise(np.array([-1e6, 1e6]), label="a", unit="uV", step_uv=0.1)
    assert channel.digital.tolist() == [-32768, 32767]


def test_a_continuous_recording_is_edf_plus_only_where_it_has_annotations(tmp_path):
    with_texts, without = tmp_path / "a.edf", tmp_path / "b.edf"
    write_continuous(with_texts, channels(10_000), rate_hz=10_000.0, texts=TEXTS[:1])
    write_continuous(without, channels(10_000), rate_hz=10_000.0)
    assert edfio.read_edf(with_texts).reserved == "EDF+C"
    assert edfio.read_edf(with_texts).annotations[0].onset == 0.26001
    assert edfio.read_edf(without).reserved == ""
    np.testing.assert_array_equal(edfio.read_edf(without).signals[1].digital, channels(10_000)[1].digital)


def test_records_that_overlap_or_are_not_full_are_refused(tmp_path):
    path = tmp_path / "bad.edf"
    with pytest.raises(ValueError, match="overlap"):
        write_discontinuous(path, channels(200), record_starts_s=np.array([0.0, 0.05]), record_s=0.1)
    with pytest.raises(ValueError, match="within the first second"):
        write_discontinuous(path, channels(200), record_starts_s=np.array([94.0, 95.0]), record_s=0.1)
    with pytest.raises(ValueError, match="do not fill"):
        write_discontinuous(path, channels(201), record_starts_s=np.array([0.0, 1.0]), record_s=0.1)


def test_a_label_that_the_header_cannot_hold_is_refused(tmp_path):
    channel = quantise(np.zeros(10), label="EMG R_Orbicularis_Oculi", unit="uV", step_uv=0.1)
    with pytest.raises(ValueError, match="longer than the 16 characters"):
        write_discontinuous(tmp_path / "x.edf", [channel], record_starts_s=np.zeros(1), record_s=0.1)
