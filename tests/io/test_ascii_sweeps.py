"""Sweeps that a monitor exported as text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lsr.errors import MalformedRecording, RecordingNotFound, UnknownUnit
from lsr.io.registry import read_recording
from lsr.io.signatures import is_recording

SAMPLE_DATA = Path(__file__).parents[2] / "sample_data"
HEAD = '[sweeps]\nlayout = "{layout}"\nrate_hz = 1000\ninterval_s = 0.5\nstimulus_ms = 2.0\n'
ONE = '[[channels]]\nlabel = "R Mentalis"\nunit = "mV"\n'


@pytest.fixture
def sweeps() -> np.ndarray:
    return np.round(np.random.default_rng(4).normal(0, 0.05, (3, 2, 40)), 5)  # sweep, channel, sample; mV


def test_a_folder_with_a_file_for_each_sweep(tmp_path, sweeps):
    for number, sweep in enumerate(sweeps):
        np.savetxt(tmp_path / f"s{number:02}.csv", sweep.T, delimiter=",", fmt="%.5f", header="Ment,OOc")
    (tmp_path / "sweeps.toml").write_text(
        HEAD.format(layout="file_per_sweep")
        + 'files = "s*.csv"\nheader_lines = 1\nstimulus = "Stim right zygomatic 12 mA"\n'
        + "start = 2024-05-01T10:00:00\n"
        + ONE + 'column = 1\n[[channels]]\nlabel = "R Orb Oc"\nunit = "mV"\ncolumn = 2\n'
    )  # fmt: skip
    with read_recording(tmp_path) as recording:
        assert recording.record_times_s.tolist() == [0.0, 0.5, 1.0]
        assert [a.time_s for a in recording.annotations] == [0.002, 0.502, 1.002]
        assert {a.text for a in recording.annotations} == {"Stim right zygomatic 12 mA"}
        assert all(a.inside for a in recording.annotations)
        assert recording.start.hour == 10
        assert [channel.label for channel in recording.channels] == ["R Mentalis", "R Orb Oc"]
        (batch,) = recording.windows([a.time_s for a in recording.annotations], 0.002, 0.038)
        np.testing.assert_allclose(batch.samples, sweeps * 1000, rtol=1e-5)


def test_a_description_saved_by_windows_notepad_is_understood(tmp_path):
    (tmp_path / "sweeps.csv").write_text("1,2\n3,4\n")
    description = tmp_path / "sweeps.toml"
    description.write_text(HEAD.format(layout="rows_are_sweeps") + ONE, encoding="utf-8-sig")
    assert is_recording(tmp_path)
    with read_recording(tmp_path) as recording:
        assert recording.record_times_s.tolist() == [0.0, 0.5]


@pytest.mark.parametrize("layout", ["columns_are_sweeps", "rows_are_sweeps"])
def test_a_file_for_each_channel_with_a_decimal_comma(tmp_path, sweeps, layout):
    table = sweeps[:, 0].T if layout == "columns_are_sweeps" else sweeps[:, 0]
    text = "\n".join(";".join(f"{value:.5f}".replace(".", ",") for value in row) for row in table)
    (tmp_path / "study.csv").write_text(text)
    description = HEAD.format(layout=layout) + 'delimiter = ";"\ndecimal = ","\n' + ONE
    (tmp_path / "study.toml").write_text(description)
    for name in ("study.csv", "study.toml"):
        with read_recording(tmp_path / name) as recording:
            (batch,) = recording.windows(recording.record_times_s, 0.0, 0.04)
            np.testing.assert_allclose(batch.samples[:, 0], sweeps[:, 0] * 1000, rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (("rate_hz = 1000", "rate_herz = 1000"), MalformedRecording, "did you mean 'rate_hz'"),
        (("rate_hz = 1000", "rate_hz = 0"), MalformedRecording, "rate_hz"),
        (("interval_s = 0.5", ""), MalformedRecording, "one of times_s and interval_s"),
        (("interval_s = 0.5", "interval_s = 0.5\ntimes_s = []"), MalformedRecording, "and has both"),
        (("interval_s = 0.5", "interval_s = 0.01"), MalformedRecording, "overlap"),
        (("interval_s = 0.5", "times_s = [0.0]"), MalformedRecording, "times_s for 3 sweeps"),
        (("rows_are_sweeps", "sideways"), MalformedRecording, "layout"),
        (('unit = "mV"', 'unit = "uVolz"'), UnknownUnit, "uVolz"),
        (('unit = "mV"', ""), UnknownUnit, "R Mentalis"),
        (('unit = "mV"', 'unit = "mV"\nfile = "gone.csv"'), RecordingNotFound, r"gone\.csv"),
        (("[[channels]]", "[channels"), MalformedRecording, "TOML"),
        (("[[channels]]", "[channels]"), MalformedRecording, "not both of them"),
        (('label = "R Mentalis"', ""), MalformedRecording, "label"),
        (("stimulus_ms = 2.0", "header_lines = 99"), MalformedRecording, r"study\.csv"),
        (
            ("stimulus_ms = 2.0", 'delimiter = ";"'),
            MalformedRecording,
            r"study\.csv: line 1 has text in column 1",
        ),
        (("stimulus_ms = 2.0", 'delimiter = ";;"'), MalformedRecording, "another character as delimiter"),
        (("stimulus_ms = 2.0", 'delimiter = ""'), MalformedRecording, "another character as delimiter"),
        (("stimulus_ms = 2.0", 'decimal = ","'), MalformedRecording, "another character as delimiter"),
        (("stimulus_ms = 2.0", 'decimal = ";"'), MalformedRecording, "another character as delimiter"),
        (("stimulus_ms = 2.0", "header_lines = -1"), MalformedRecording, "header_lines as a whole number"),
        (("stimulus_ms = 2.0", "header_lines = 1.5"), MalformedRecording, "header_lines as a whole number"),
        (("stimulus_ms = 2.0", "header_lines = true"), MalformedRecording, "header_lines as a whole number"),
        (("stimulus_ms = 2.0", "stimulus_ms = nan"), MalformedRecording, "stimulus_ms as a number"),
        (("stimulus_ms = 2.0", "stimulus = 5"), MalformedRecording, "stimulus as text"),
        (("stimulus_ms = 2.0", "stimulus_ms = 500"), MalformedRecording, "within the sweep of 0.04 s"),
        (("rate_hz = 1000", "rate_hz = inf"), MalformedRecording, "rate_hz as a number"),
        (("rate_hz = 1000", "rate_hz = true"), MalformedRecording, "rate_hz as a number"),
        (("interval_s = 0.5", "interval_s = 1e300"), MalformedRecording, "interval_s as a number"),
        (("interval_s = 0.5", "interval_s = 1" + "0" * 400), MalformedRecording, "interval_s as a number"),
        (("rate_hz = 1000", "rate_hz = 1e-300"), MalformedRecording, "rate_hz"),
        (("interval_s = 0.5", "interval_s = nan"), MalformedRecording, "interval_s as a number"),
        (
            ("interval_s = 0.5", "times_s = [0.0, nan, 1.0]"),
            MalformedRecording,
            "each of times_s as a number",
        ),
        (('unit = "mV"', 'unit = "mV"\nfile = 5'), MalformedRecording, "file as text"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(tmp_path, sweeps, change, error, words):
    np.savetxt(tmp_path / "study.csv", sweeps[:, 0], delimiter=",")
    text = HEAD.format(layout="rows_are_sweeps") + ONE
    (tmp_path / "study.toml").write_text(text.replace(*change))
    with pytest.raises(error, match=words):
        read_recording(tmp_path / "study.csv")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1;2\n\n3;4;5\n", "line 3 has 3 numbers, and the first line of them 2"),
        ("1;2\n3;nan\n", "line 2 has nan in column 2"),
        ("1;2\n3;1,5\n", "line 2 has '1,5' in column 2"),
        ("Patient: Anna Secret 04.07.1957;2\n3;4\n", "line 1 has text in column 1"),
        ("04.07.1957;2\n3;4\n", "line 1 has text in column 1"),
        ("04,07,1957;2\n3;4\n", "line 1 has text in column 1"),
    ],
)
def test_a_line_that_is_no_row_of_numbers_is_named_without_the_patient(tmp_path, text, words):
    (tmp_path / "study.csv").write_text(text)
    (tmp_path / "study.toml").write_text(HEAD.format(layout="rows_are_sweeps") + 'delimiter = ";"\n' + ONE)
    with pytest.raises(MalformedRecording, match=words) as refused:
        read_recording(tmp_path / "study.csv")
    assert "Secret" not in str(refused.value)
    assert "1957" not in str(refused.value)


def test_a_point_beside_a_decimal_comma_may_part_thousands(tmp_path):
    (tmp_path / "study.csv").write_text("0,5;1.234\n" * 3)
    description = HEAD.format(layout="columns_are_sweeps") + 'delimiter = ";"\ndecimal = ","\n' + ONE
    (tmp_path / "study.toml").write_text(description)
    with pytest.raises(MalformedRecording, match="line 1 has a point"):
        read_recording(tmp_path / "study.csv")


def test_files_without_leading_zeros_keep_their_order(tmp_path):
    for number in (1, 2, 10, 100):
        (tmp_path / f"sweep_{number}.csv").write_text(f"{number}\n" * 40)
    text = HEAD.format(layout="file_per_sweep") + 'files = "sweep_*.csv"\n' + ONE + "column = 1\n"
    (tmp_path / "sweeps.toml").write_text(text)
    with read_recording(tmp_path) as recording:
        assert recording.read_digital(0)[::40].tolist() == [1000, 2000, 10_000, 100_000]


def test_files_of_several_folders_stay_together(tmp_path):
    for value, name in enumerate(("a/sweep_1", "a/sweep_2", "a/sweep_10", "b/sweep_01", "b/sweep_1"), 1):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.csv").write_text(f"{value}\n" * 40)
    text = HEAD.format(layout="file_per_sweep") + 'files = "*/sweep_*.csv"\n' + ONE + "column = 1\n"
    (tmp_path / "sweeps.toml").write_text(text)
    with read_recording(tmp_path) as recording:
        assert recording.read_digital(0)[::40].tolist() == [1000, 2000, 3000, 4000, 5000]


def test_sweeps_of_unequal_length_are_refused(tmp_path):
    (tmp_path / "s1.csv").write_text("1\n2\n3\n")
    (tmp_path / "s2.csv").write_text("1\n2\n")
    text = HEAD.format(layout="file_per_sweep") + 'files = "s*.csv"\n' + ONE + "column = 1\n"
    (tmp_path / "sweeps.toml").write_text(text)
    with pytest.raises(MalformedRecording, match=r"s2\.csv: 2 rows of 1, but s1\.csv has 3 of 1"):
        read_recording(tmp_path)


@pytest.mark.parametrize(("files", "words"), [('""', "files as a pattern"), ("5", "files as a pattern")])
def test_files_are_a_pattern_of_names(tmp_path, files, words):
    text = HEAD.format(layout="file_per_sweep") + f"files = {files}\n" + ONE + "column = 1\n"
    (tmp_path / "sweeps.toml").write_text(text)
    with pytest.raises(MalformedRecording, match=words):
        read_recording(tmp_path)


def test_the_example_holds_the_sweeps_of_the_recording_it_was_cut_from():
    with (
        read_recording(SAMPLE_DATA / "ascii_sweeps") as text,
        read_recording(SAMPLE_DATA / "triggered_sweeps.edf") as whole,
    ):
        times = [annotation.time_s for annotation in text.annotations]
        (batch,) = text.windows(times, 0.005, 0.06)
        (original,) = whole.windows(times, 0.005, 0.06, [0, 2])
        assert len(batch.index) == 20
        np.testing.assert_allclose(batch.samples, original.samples, atol=0.051)


ROWS = '[sweeps]\nlayout = "rows_are_sweeps"\nrate_hz = 1000\n'


def describe(tmp_path, text, *, head=ROWS, sweeps="interval_s = 0.5\n", channel=ONE, name="study.csv"):
    """Write a text file of sweeps and its description, and give the path of the text."""
    (tmp_path / name).write_text(text)
    (tmp_path / name).with_suffix(".toml").write_text(head + sweeps + channel)
    return tmp_path / name


@pytest.mark.parametrize("column", ["0", "3", "true", "1.0"])
def test_columns_count_from_1(tmp_path, column):
    head = ROWS.replace("rows_are_sweeps", "file_per_sweep")
    path = describe(tmp_path, "1,2\n3,4\n5,6\n", head=head, channel=ONE + f"column = {column}\n")
    with pytest.raises(MalformedRecording, match="column of each channel"):
        read_recording(path)


@pytest.mark.parametrize("channels", ["[1]", "[]", "5", '[{ label = "R Mentalis", unit = "uV" }, 1]'])
def test_channels_are_tables(tmp_path, channels):
    path = describe(tmp_path, "1,2\n3,4\n", head=f"channels = {channels}\n" + ROWS, channel="")
    with pytest.raises(MalformedRecording, match="not both of them"):
        read_recording(path)


def test_an_empty_cell_between_tabs_is_named_and_not_passed_over(tmp_path):
    path = describe(tmp_path, "1\t\t3\n4\t\t6\n", sweeps='interval_s = 0.5\ndelimiter = "\\t"\n')
    with pytest.raises(MalformedRecording, match="column 2"):
        read_recording(path)


def test_several_blanks_part_as_one(tmp_path):
    path = describe(tmp_path, "  1   2  3\n 44  5 66\n", sweeps='interval_s = 0.5\ndelimiter = " "\n')
    with read_recording(path) as recording:
        assert recording.read_digital(0).tolist() == [1000, 2000, 3000, 44000, 5000, 66000]


def test_sweeps_may_follow_each_other_at_once_and_begin_with_their_stimulus(tmp_path):
    path = describe(tmp_path, "1,2\n3,4\n5,6\n", sweeps="interval_s = 0.002\n")
    with read_recording(path) as recording:
        assert [one.time_s for one in recording.annotations] == [0.0, 0.002, 0.004]


def test_sweeps_whose_times_run_backwards_are_refused(tmp_path):
    path = describe(tmp_path, "1,2\n3,4\n5,6\n", sweeps="times_s = [1.0, 0.0, 2.0]\n")
    with pytest.raises(MalformedRecording, match="run backwards"):
        read_recording(path)


def test_channels_with_other_numbers_of_sweeps_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("1,2\n3,4\n")
    (tmp_path / "b.csv").write_text("1,2\n3,4\n5,6\n")
    channels = ONE + 'file = "a.csv"\n' + ONE.replace("R Ment", "L Ment") + 'file = "b.csv"\n'
    (tmp_path / "sweeps.toml").write_text(ROWS + "interval_s = 0.5\n" + channels)
    wanted = r"b\.csv: 3 sweeps of 2 samples, but the first channel has 2 of 2; they have to agree"
    with pytest.raises(MalformedRecording, match=wanted):
        read_recording(tmp_path)


def test_the_text_beside_a_description_may_be_called_txt(tmp_path):
    path = describe(tmp_path, "1,2\n3,4\n", name="study.txt")
    with read_recording(path.with_suffix(".toml")) as recording:
        assert len(recording.segments) == 2
