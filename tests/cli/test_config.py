"""`lsr config show` prints every setting with its source, and `lsr.toml` beside the data is used and told."""

import json

import pytest

import lsr
from lsr_cli.config import setting_lines

STUDY = """# the study of 2019
detection.alpha = 0.005

[[stimulation]]
side = "right"  # always
[[stimulation]]
branch = "buccal"
side = "left"

[channels]
"Ch 3" = { muscle = "mentalis",  side = "right" }

[course]
stages = { baseline = [
  "start*",
], closing = ["end*"] }
"""


@pytest.fixture
def study(tmp_path):
    (tmp_path / "lsr.toml").write_text(STUDY)
    (tmp_path / "case.edf").touch()
    return tmp_path


def _shown(result):
    assert result.exit_code == 0, result.stderr
    return {one["setting"]: (one["value"], one["source"]) for one in json.loads(result.stdout)}


def test_each_value_is_found_on_the_line_it_begins():
    lines = setting_lines(STUDY)
    assert lines["detection", "alpha"] == 2
    assert lines["stimulation", 0, "side"] == 5
    assert lines["stimulation", 1, "branch"] == 7
    assert lines["channels", "Ch 3", "side"] == 11
    assert lines["course", "stages", "closing"] == 14


def test_one_stimulation_table_is_the_first():
    assert setting_lines('[stimulation]\nside = "left"\n') == {("stimulation", 0, "side"): 2}


def test_every_setting_is_shown_with_where_it_comes_from(call, study):
    shown = _shown(call("config", "show", study / "case.edf", "--format", "json"))
    assert shown["detection.alpha"] == (0.005, f"{study / 'lsr.toml'}:2")
    assert shown["detection.seed"] == (0, "default")
    assert shown["channels.Ch 3.muscle"] == ("mentalis", f"{study / 'lsr.toml'}:11")
    assert set(shown) >= {"sweeps.before_ms", "course.block_stimuli", "course.stages.opening"}


def test_a_folder_shows_what_its_recordings_would_get(call, study):
    assert _shown(call("config", "show", study, "--format", "json"))["detection.alpha"][0] == 0.005


def test_the_command_line_stands_above_the_file(call, tmp_path):
    config = tmp_path / "own.toml"
    config.write_text('stimulation = { side = "left", annotation = "S*" }\n')
    result = call("config", "show", "--config", config, "--stimulated", "right buccal", "--format", "json")
    shown = _shown(result)
    assert shown["stimulation.0.side"] == ("right", "command line (--stimulated)")
    assert shown["stimulation.0.annotation"] == ("S*", f"{config}:1")


@pytest.mark.parametrize(
    "content",
    [STUDY, "", '[channels."\\u007f é\\""]\nside = "left"\n', '[stimulation]\nside = "left"\n'],
)
def test_what_is_shown_gives_the_same_settings_again(call, tmp_path, content):
    (tmp_path / "lsr.toml").write_text(content)
    again = tmp_path / "again.toml"
    again.write_text(call("config", "show", tmp_path).stdout, encoding="utf-8")
    assert lsr.Settings.from_file(again) == lsr.Settings.from_file(tmp_path / "lsr.toml")


def test_each_recording_gets_the_settings_beside_it(call, analyzed, study):
    (study / "other").mkdir()
    paths = [study / "a.edf", study / "b.edf", study / "other" / "c.edf"]
    result = call("analyze", *paths, "--format", "json")
    assert result.exit_code == 0
    assert [settings.detection.alpha for _, settings, _ in analyzed] == [0.005, 0.005, 0.01]
    assert result.stderr.count(f"settings of {study / 'lsr.toml'} are used") == 1
    alphas = [json.loads(line)["settings"]["detection"]["alpha"] for line in result.stdout.splitlines()]
    assert alphas == [0.005, 0.005, 0.01]


def test_settings_that_are_named_replace_those_beside(call, analyzed, study):
    config = study / "own.toml"
    config.write_text("[detection]\nalpha = 0.02\n")
    result = call("analyze", study / "a.edf", "--config", config)
    assert analyzed[0][1].detection.alpha == 0.02
    assert not analyzed[0][1].channels
    assert "are used" not in result.stderr


def test_wrong_settings_beside_a_recording_cost_only_what_lies_there(call, analyzed, tmp_path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "lsr.toml").write_text("[detection]\nalhpa = 0.02\n")
    result = call("analyze", tmp_path / "bad" / "a.edf", tmp_path / "b.edf", "--format", "json")
    assert result.exit_code == 2
    assert len(result.stdout.splitlines()) == 1
    assert "did you mean 'alpha'?" in result.stderr


def test_wrong_settings_are_not_shown(call, tmp_path):
    (tmp_path / "lsr.toml").write_text('[[stimulation]]\nsied = "left"\n')
    result = call("config", "show", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "did you mean 'side'?" in result.stderr


def test_settings_of_a_recording_that_is_not_there_are_not_shown(call, study):
    result = call("config", "show", study / "nope.edf")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"lsr: {study / 'nope.edf'}: no such file or folder; check the path\n"
