"""Recordings are found by what is in them, and keep names of their own."""

import os
import shutil
from pathlib import Path

import pytest

from lsr.batch.finding import Found, find_recordings
from lsr.errors import RecordingNotFound, UnknownFormat
from lsr.io.registry import read_recording
from lsr.io.signatures import files_of, is_recording

SAMPLES = Path(__file__).parents[2] / "sample_data"


def names(*given, **options):
    return [one.name for one in find_recordings(list(given), **options)]


def test_all_folders_below_are_looked_through(recordings):
    assert names(recordings) == ["2019/case.edf", "2020/cut.edf", "2020/study", "case.edf"]


def test_recordings_of_several_folders_carry_the_folders_name(recordings, tmp_path, write_recording):
    twin = write_recording(tmp_path / recordings.name / "case.edf").parent
    found = names(recordings / "2019", twin, recordings / "2020" / "study", recordings)
    label = recordings.name
    assert found == sorted(
        ["2019/case.edf", f"{label}/case.edf", "study", f"{label}-2/2020/cut.edf", f"{label}-2/case.edf"]
    )


def test_a_recording_alone_is_one(recordings):
    assert names(recordings / "2020" / "study") == ["study"]


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(RecordingNotFound, match="no such file or folder"):
        find_recordings([tmp_path / "nothing"])


@pytest.mark.parametrize("name", ["gone.edf", "l" * 300, "nul\0.edf"])
def test_what_is_not_there_beside_others_is_a_refusal_that_tells_no_path(recordings, tmp_path, name):
    case, refusal = find_recordings([recordings / "case.edf", tmp_path / name])
    assert (case.name, refusal.name, refusal.kind) == ("case.edf", name, "RecordingNotFound")
    assert refusal.message == f"{name}: no such file or folder; check the path"


def test_outputs_and_links_in_a_circle_are_passed_over(tmp_path, write_recording):
    write_recording(tmp_path / "a" / "case.edf")
    write_recording(tmp_path / "out" / "case.edf")
    os.symlink(tmp_path, tmp_path / "a" / "back")
    assert names(tmp_path, but_not=tmp_path / "out") == ["a/case.edf"]


def test_of_a_data_set_only_its_recordings_are_found_not_what_they_were_made_from(tmp_path, write_recording):
    for below in ("sub-01/emg", "sourcedata/sub-01", "derivatives/other/sub-01"):
        write_recording(tmp_path / below / "case.edf")
    assert len(names(tmp_path)) == 3
    (tmp_path / "dataset_description.json").write_text("{}")
    assert names(tmp_path) == ["sub-01/emg/case.edf"]


def test_a_pipe_is_not_waited_for_and_a_broken_link_is_told(tmp_path):
    os.mkfifo(tmp_path / "pipe.edf")
    os.symlink(tmp_path / "gone", tmp_path / "link.edf")
    assert names(tmp_path) == ["link.edf"]


def test_sweeps_in_text_are_one_recording(tmp_path):
    shutil.copytree(SAMPLES / "ascii_sweeps", tmp_path / "sweeps")
    shutil.copy(SAMPLES / "configured_labels.toml", tmp_path / "settings.toml")
    (found,) = find_recordings([tmp_path])
    assert isinstance(found, Found)
    assert found.name == "sweeps"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("study.vhdr", b"Brain Vision Data Exchange Header File", True),
        ("study.set", b"MATLAB 5.0 MAT-file", True),
        ("study.set", b"volume=7\n", False),
        ("cells.lay", b"1 0.5 0.5 0.1 0.1 Fp1\n", False),
        ("empty.bdf", b"", True),
        ("letter.docx", b"PK\x03\x04", False),
        ("zeros.bin", bytes(300), False),
    ],
)
def test_names_count_only_where_nothing_else_has_them(tmp_path, name, content, expected):
    (tmp_path / name).write_bytes(content)
    assert is_recording(tmp_path / name) is expected


def test_all_files_of_a_recording_are_known(tmp_path):
    for name in ("study.vhdr", "study.vmrk", "study.eeg", "other.eeg"):
        (tmp_path / name).write_bytes(b"Brain Vision")
    assert {one.name for one in files_of(tmp_path / "study.vhdr")} == {
        "study.vhdr",
        "study.vmrk",
        "study.eeg",
    }


def test_parts_of_a_recording_are_not_recordings(tmp_path):
    for name in ("study.fif", "study-1.fif", "study-2.fif"):
        (tmp_path / name).write_bytes(b"\x00\x00\x00\x64")
    assert names(tmp_path) == ["study.fif"]


@pytest.mark.parametrize("rights", [0o000, 0o400, 0o100])
def test_a_folder_that_may_not_be_read_is_told_and_the_others_are_found(
    as_a_user, tmp_path, write_recording, rights
):
    closed = write_recording(tmp_path / "closed" / "case.edf").parent
    write_recording(tmp_path / "open" / "case.edf")
    closed.chmod(rights)
    told, found = find_recordings([tmp_path])
    assert found.name == "open/case.edf"
    assert told.message == (
        "closed: the folder cannot be read (Permission denied); check the right to read it"
    )
    (alone,) = find_recordings([closed])
    assert alone.message == told.message


@pytest.mark.parametrize("name", ["broken.edf", "broken.BDF", "broken.rec"])
def test_what_only_its_name_calls_edf_is_refused_and_not_passed_over(tmp_path, name):
    (tmp_path / name).write_bytes(b"not a recording at all\n")
    assert names(tmp_path) == [name]
    with pytest.raises(UnknownFormat, match="damaged"):
        read_recording(tmp_path / name)
