"""`lsr simulate` draws recordings with their truth, equal ones from equal seeds."""

from pathlib import Path

import pytest

from lsr.synthetic import SCENARIOS


def test_a_scenario_is_drawn_with_its_truth(call, tmp_path):
    result = call("simulate", "--out", tmp_path / "drawn", "--scenario", "triggered_sweeps", "--seed", 3)
    assert result.exit_code == 0
    (path,) = map(Path, result.stdout.splitlines())
    assert path == tmp_path / "drawn" / "triggered_sweeps.edf"
    assert path.with_suffix(".truth.json").exists()
    assert result.stderr == "lsr: 1 recording drawn; synthetic data prove nothing about patients\n"


def test_every_scenario_is_told_by_help(call):
    words = call("simulate", "--help").stdout.replace(".", " ").replace(",", " ").split()
    assert [word for word in words if word in SCENARIOS] == list(SCENARIOS)


def test_equal_seeds_draw_equal_recordings(call, tmp_path):
    for folder in ("one", "two"):
        call("simulate", "--out", tmp_path / folder, "--scenario", "triggered_sweeps", "--seed", 3)
    one, two = sorted(tmp_path.rglob("*.edf"))
    assert one.read_bytes() == two.read_bytes()


def test_a_misspelt_scenario_is_wrong_usage(call, tmp_path):
    result = call("simulate", "--out", tmp_path, "--scenario", "operation_vanish")
    assert result.exit_code == 2
    assert "did you mean 'operation_vanishes'?" in result.stderr


def test_a_folder_that_cannot_be_made_is_wrong_usage(call, tmp_path):
    (tmp_path / "file").write_text("")
    result = call("simulate", "--out", tmp_path / "file" / "in", "--scenario", "triggered_sweeps")
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


@pytest.mark.parametrize("scenario", ["triggered_sweeps", "clinic_with_lsr"])
def test_a_full_disk_leaves_no_half_of_a_recording(call, full_disk, tmp_path, scenario):
    with full_disk(1000):
        result = call("simulate", "--out", tmp_path, "--scenario", scenario)
    assert result.exit_code == 1
    assert "make room there" in result.stderr
    assert not list(tmp_path.iterdir())


def test_other_seeds_draw_other_recordings_of_the_scenario(call, tmp_path):
    for seed in (0, 1):
        arguments = ("--out", tmp_path / str(seed), "--scenario", "triggered_sweeps", "--seed", seed)
        assert call("simulate", *arguments).exit_code == 0
    one, two = sorted(tmp_path.rglob("*.edf"))
    assert one.name == two.name == "triggered_sweeps.edf"
    assert one.read_bytes() != two.read_bytes()
