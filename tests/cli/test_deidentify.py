"""`lsr deidentify` writes a copy that tells nothing of the patient, and never over another file."""

from pathlib import Path

import numpy as np
import pytest

from lsr.io.registry import read_recording

SAMPLE = Path(__file__).parents[2] / "sample_data" / "clinic_with_lsr.edf"


@pytest.fixture
def named(tmp_path):
    """A recording that names its patient in the header and in an annotation."""
    raw = bytearray(SAMPLE.read_bytes())
    raw[8:88] = b"MCH-0234567 F 02-MAY-1951 Anna_Secret".ljust(80)
    text = b"Stimulus right zygomatic"
    at = raw.index(text)
    raw[at : at + len(text)] = b"Anna Secret sneezed".ljust(len(text))
    path = tmp_path / "case.edf"
    path.write_bytes(raw)
    return path


def test_the_copy_has_the_emg_and_not_the_patient(call, named, tmp_path):
    copy = tmp_path / "copy.edf"
    result = call("deidentify", named, copy)
    assert (result.exit_code, result.stdout) == (0, f"{copy}\n")
    assert "lsr inspect" in result.stderr
    assert b"Secret" not in copy.read_bytes()
    with read_recording(named) as before, read_recording(copy) as after:
        np.testing.assert_array_equal(before.read_digital(0), after.read_digital(0))
        assert [one.time_s for one in after.annotations] == [one.time_s for one in before.annotations]
        assert sum(one.text.startswith("Stimulus right zygomatic") for one in after.annotations) == 39


def test_annotations_that_the_user_vouches_for_stay(call, named, tmp_path):
    assert call("deidentify", named, tmp_path / "copy.edf", "--keep", "*sneezed*").exit_code == 0
    assert b"sneezed" in (tmp_path / "copy.edf").read_bytes()


def test_stimuli_and_stages_that_are_blanked_are_told(call, named, tmp_path):
    raw = named.read_bytes()
    old = b"Stimulus right zygomatic"
    for new in (b"Stim 1234", b"Reiz rechts bukkal", b"Hautschnitt"):
        raw = raw.replace(old, new + b" " * (len(old) - len(new)), 1)
    named.write_bytes(raw)
    told = call("deidentify", named, tmp_path / "copy.edf")
    assert told.exit_code == 0
    assert "3 annotations that lsr takes for stimuli or stages are blanked" in told.stderr
    assert "--keep" in told.stderr
    kept = call("deidentify", named, tmp_path / "kept.edf", "--keep", "Stim*", "--keep", "*zyg*")
    assert "2 annotations that lsr takes" in kept.stderr


def test_a_broken_link_in_place_of_the_target_is_there_already(call, named, tmp_path):
    (tmp_path / "link.edf").symlink_to(tmp_path / "gone.edf")
    result = call("deidentify", named, tmp_path / "link.edf")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is there already" in result.stderr


@pytest.mark.parametrize(
    ("target", "says"),
    [("case.edf", "is there already"), ("", "is a folder"), ("nowhere/copy.edf", "there is no folder")],
)
def test_a_target_that_would_overwrite_or_get_lost_is_wrong_usage(call, named, tmp_path, target, says):
    before = named.read_bytes()
    result = call("deidentify", named, tmp_path / target)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr
    assert named.read_bytes() == before


@pytest.mark.parametrize("content", [None, b"no recording"])
def test_a_source_that_cannot_be_read_leaves_nothing_behind(call, tmp_path, content):
    source, copy = tmp_path / "source.edf", tmp_path / "copy.edf"
    if content:
        source.write_bytes(content)
    result = call("deidentify", source, copy)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "source.edf" in result.stderr
    assert not content or "name such a recording, or export this one as EDF+" in result.stderr
    assert list(tmp_path.iterdir()) == ([source] if content else [])
