"""Settings are what the user wrote; what cannot be meant is refused with a way out."""

import pytest

from lsr.anatomy import Branch, Muscle, Relation, Side
from lsr.errors import SettingsError
from lsr.settings import DEFAULT_STAGES, Settings

DOCUMENTED = """
[stimulation]
side = "right"
branch = "zygomatic"
annotation = "Stim*"
trigger_channel = "DC1"
window_s = [0.0, 600.0]

[channels]
"Ch3" = { muscle = "mentalis", side = "right" }
"RECR" = { relation = "target" }

[detection]
search_window_ms = [5.5, 14.0]
direct_window_ms = [1.5, 5.5]
alpha = 0.01

[course]
stages = { baseline = ["baseline*"], decompression = ["decompress*", "teflon*"] }
block_stimuli = 20
"""


def test_the_documented_file_is_understood(tmp_path):
    file = tmp_path / "lsr.toml"
    file.write_text(DOCUMENTED)
    settings = Settings.from_file(file)
    (stimulation,) = settings.stimulation
    assert (stimulation.side, stimulation.branch) == (Side.RIGHT, Branch.ZYGOMATIC)
    assert stimulation.window_s == (0.0, 600.0)
    assert settings.channels["Ch3"].muscle is Muscle.MENTALIS
    assert settings.channels["RECR"].relation is Relation.TARGET
    assert settings.course.stages["decompression"] == ("decompress*", "teflon*")


def test_a_file_saved_by_windows_notepad_is_understood(tmp_path):
    path = tmp_path / "lsr.toml"
    path.write_bytes(b"\xef\xbb\xbf[detection]\r\nalpha = 0.02\r\n")
    assert Settings.from_file(path).detection.alpha == 0.02


def test_several_stimulation_tables_are_several_sets(tmp_path):
    file = tmp_path / "lsr.toml"
    file.write_text('[[stimulation]]\nbranch = "temporal"\n[[stimulation]]\nbranch = "buccal"\n')
    assert [one.branch for one in Settings.from_file(file).stimulation] == ["temporal", "buccal"]


def test_settings_survive_their_own_dump():
    settings = Settings.from_dict({"stimulation": {"side": "left"}, "channels": {"A": {"side": "left"}}})
    assert Settings.from_dict(settings.model_dump(mode="json")) == settings


@pytest.mark.parametrize(
    ("values", "place", "way_out"),
    [
        ({"detecton": {}}, "'detecton'", "did you mean 'detection'?"),
        ({"detection": {"serch_window_ms": [1, 2]}}, "in detection", "did you mean 'search_window_ms'?"),
        ({"stimulation": {"sied": "left"}}, "in stimulation", "did you mean 'side'?"),
        ({"channels": {"Ch3": {"muscel": "mentalis"}}}, "in channels.Ch3", "did you mean 'muscle'?"),
        ({"course": {"stages": {"baselin": []}}}, "course.stages", "did you mean 'baseline'?"),
        ({"sweeps": {"zzz": 1}}, "'zzz'", "known here: before_ms, after_ms"),
    ],
)
def test_a_misspelt_name_is_refused_with_the_nearest_known(values, place, way_out):
    with pytest.raises(SettingsError) as error:
        Settings.from_dict(values, source="lsr.toml")
    message = str(error.value)
    assert message.startswith("lsr.toml: ")
    assert place in message
    assert way_out in message


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"stimulation": {"side": "both"}}, "'both'"),
        ({"stimulation": {"branch": "trigeminal"}}, "'trigeminal'"),
        ({"channels": {"Ch3": {"muscle": "biceps"}}}, "'biceps'"),
        ({"detection": {"search_window_ms": [14, 5.5]}}, "[14.0, 5.5]"),
        ({"detection": {"search_window_ms": [5.5]}}, "search_window_ms"),
        ({"detection": {"search_window_ms": [5.5, float("nan")]}}, "nan"),
        ({"detection": {"search_window_ms": [5.5, 400]}}, "raise sweeps.after_ms"),
        ({"detection": {"alpha": 0}}, "alpha"),
        ({"detection": {"alpha": "0.01"}}, "'0.01'"),
        ({"sweeps": {"before_ms": True}}, "True"),
        ({"detection": {"seed": 1.5}}, "1.5"),
        ({"course": {"block_stimuli": 0}}, "block_stimuli"),
        ({"detection": 5}, "'detection'"),
        ({"stimulation": "right"}, "'right'"),
        ([1], "[1]"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_by_name(values, named):
    with pytest.raises(SettingsError) as error:
        Settings.from_dict(values)
    assert named in str(error.value)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (
            {"stimulation": {"branch": "zygomatik"}},
            "setting 'stimulation.branch' has to be one of temporal, zygomatic, buccal, marginal_mandibular, "
            "cervical, found 'zygomatik'; did you mean 'zygomatic'?",
        ),
        (
            {"stimulation": [{}, {"side": "both"}]},
            "setting 'stimulation (table 2).side' has to be one of right, left, found 'both'",
        ),
        (
            {"channels": {"Ch3": {"relation": "targt"}}},
            "setting 'channels.Ch3.relation' has to be one of target, direct, ambiguous, ignore, found "
            "'targt'; did you mean 'target'?",
        ),
        ({"detection": 5}, "setting 'detection' has to be a table of settings, found 5"),
        ({"stimulation": "right"}, "setting 'stimulation' has to be a table of settings, found 'right'"),
        ({"channels": {"A": 5}}, "setting 'channels.A' has to be a table of settings, found 5"),
        (
            {"detection": {"search_window_ms": 14}},
            "setting 'detection.search_window_ms': a window is two numbers, its start and its end, as in "
            "[5.5, 14.0], found 14",
        ),
        ({"detection": {"alpha": "x"}}, "setting 'detection.alpha' has to be a number, found 'x'"),
        ({"detection": {"alpha": 0.7}}, "setting 'detection.alpha' has to be less than 0.5, found 0.7"),
        ({"detection": {"seed": 1.5}}, "setting 'detection.seed' has to be a whole number, found 1.5"),
        (
            {"course": {"stages": {"baseline": "x"}}},
            "setting 'course.stages.baseline' has to be a list of texts in quotation marks, found 'x'",
        ),
    ],
)
def test_a_complaint_says_what_is_allowed_in_plain_words(values, told):
    with pytest.raises(SettingsError) as error:
        Settings.from_dict(values, source="lsr.toml")
    assert str(error.value) == f"lsr.toml: {told}"


def test_a_misspelt_branch_of_the_command_line_is_told_with_the_nearest():
    with pytest.raises(SettingsError, match="did you mean 'right zygomatic'"):
        Settings().stimulated("right zygomatik")


@pytest.mark.parametrize(
    ("search_ms", "late_ms"),
    [([5.5, 14], (20, 60)), ([5.5, 20], (20, 60)), ([5.5, 35], (35, 60)), ([5.5, 50], (50, 70))],
)
def test_the_late_window_begins_where_the_search_window_ends(search_ms, late_ms):
    settings = Settings.from_dict({"detection": {"search_window_ms": search_ms}})
    assert settings.detection.late_window_ms == late_ms
    assert Settings.from_dict(settings.model_dump(mode="json")) == settings


@pytest.mark.parametrize(
    ("windows", "told"),
    [
        ({"search_window_ms": [15, 40], "late_window_ms": [20, 60]}, "begin it at 40 ms, or leave it out"),
        ({"search_window_ms": [0.0055, 0.014]}, "lasts 0.0085 ms, .*; write milliseconds"),
        ({"late_window_ms": [10, 60]}, "one wave would be told twice"),
        ({"direct_window_ms": [1.5, 9.5]}, "direct_window_ms ends at 9.5 ms, after search_window_ms begins"),
    ],
)
def test_windows_that_make_two_of_one_wave_are_refused(windows, told):
    with pytest.raises(SettingsError, match=told):
        Settings.from_dict({"detection": windows})


@pytest.mark.parametrize(
    "windows",
    [{"search_window_ms": [4, 14]}, {"search_window_ms": [10, 14], "direct_window_ms": [1.5, 9.5]}],
)
def test_windows_that_follow_each_other_or_are_usual_are_taken(windows):
    settings = Settings.from_dict({"detection": windows})
    assert Settings.from_dict(settings.model_dump(mode="json")) == settings


def test_a_wrong_search_window_is_one_complaint():
    with pytest.raises(SettingsError) as error:
        Settings.from_dict({"detection": {"search_window_ms": [14, 5.5]}})
    assert ";" not in str(error.value)


def test_windows_of_two_stimulus_sets_may_not_overlap():
    sets = [{"branch": "temporal", "window_s": [0, 60]}, {"branch": "buccal", "window_s": [50, 90]}]
    with pytest.raises(SettingsError, match=r"\[0.0, 60.0\] and \[50.0, 90.0\] overlap"):
        Settings.from_dict({"stimulation": sets})
    sets[0]["annotation"] = "Stim T*"
    assert len(Settings.from_dict({"stimulation": sets}).stimulation) == 2


def test_a_stimulus_set_has_one_source():
    with pytest.raises(SettingsError, match="leave out annotation and trigger_channel, or source"):
        Settings.from_dict({"stimulation": {"source": "artifact", "annotation": "Stim*"}})
    with pytest.raises(SettingsError, match=r"stimulation\.source' has to be one of artifact"):
        Settings.from_dict({"stimulation": {"source": "artefacts"}})


def test_a_set_for_the_whole_recording_leaves_nothing_to_one_after_it():
    sets = [{"branch": "temporal"}, {"branch": "buccal", "window_s": [50, 90]}]
    with pytest.raises(SettingsError, match=r"none and \[50.0, 90.0\] overlap"):
        Settings.from_dict({"stimulation": sets})
    assert len(Settings.from_dict({"stimulation": sets[::-1]}).stimulation) == 2


def test_every_complaint_is_told_at_once():
    with pytest.raises(SettingsError, match=r"seed.*alpah"):
        Settings.from_dict({"detection": {"alpah": 0.01, "seed": -1}})


def test_names_are_taken_as_people_write_them():
    settings = Settings.from_dict(
        {
            "stimulation": {"side": "Right", "branch": "Marginal mandibular"},
            "channels": {"A": {"muscle": "Orbicularis-Oculi", "side": "LEFT"}},
        }
    )
    assert settings.stimulation[0].branch is Branch.MARGINAL_MANDIBULAR
    assert settings.channels["A"].muscle is Muscle.ORBICULARIS_OCULI


def test_stages_not_mentioned_keep_their_texts_and_their_order():
    stages = Settings.from_dict({"course": {"stages": {"closing": ["end*"], "opening": []}}}).course.stages
    assert list(stages) == list(DEFAULT_STAGES)
    assert stages["closing"] == ("end*",)
    assert stages["opening"] == ()
    assert stages["baseline"] == DEFAULT_STAGES["baseline"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"none\.toml: cannot be read"):
        Settings.from_file(tmp_path / "none.toml")


@pytest.mark.parametrize("content", [b"[detection\n", b"side = \xff\xfe"])
def test_a_file_that_is_no_toml_is_named(tmp_path, content):
    (tmp_path / "broken.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"broken\.toml: not valid TOML"):
        Settings.from_file(tmp_path / "broken.toml")


def test_the_stimulated_branch_can_be_given_in_words():
    (one,) = Settings().stimulated("left marginal mandibular").stimulation
    assert (one.side, one.branch) == (Side.LEFT, Branch.MARGINAL_MANDIBULAR)


def test_the_stimulated_branch_keeps_what_else_is_known_of_the_set():
    settings = Settings.from_dict({"stimulation": {"annotation": "Stim*"}})
    (one,) = settings.stimulated("Right Zygomatic").stimulation
    assert (one.side, one.branch, one.annotation) == (Side.RIGHT, Branch.ZYGOMATIC, "Stim*")


@pytest.mark.parametrize("text", ["zygomatic", "right", "", "both zygomatic", "right trigeminal"])
def test_no_side_and_branch_is_refused_with_an_example(text):
    with pytest.raises(SettingsError, match="as in 'right zygomatic'"):
        Settings().stimulated(text)


def test_one_branch_cannot_stand_for_sets_of_several():
    settings = Settings.from_dict({"stimulation": [{"branch": "temporal"}, {"branch": "buccal"}]})
    with pytest.raises(SettingsError, match="2 different"):
        settings.stimulated("right zygomatic")


def test_settings_cannot_be_changed_in_place():
    with pytest.raises(ValueError, match="frozen"):
        Settings().detection.alpha = 0.5


@pytest.mark.parametrize(
    "values",
    [
        {"alpha": 0.5},
        {"power": 0.5},
        {"power": 1.0},
        {"smallest_response_uv": 0.0},
        {"mains_hz": 39.0},
        {"search_window_ms": [5.5, 101.0]},
        {"search_window_ms": [5.5, 5.5]},
    ],
)
def test_a_number_at_or_beyond_the_end_of_its_range_is_refused_by_name(values):
    with pytest.raises(SettingsError, match=next(iter(values))):
        Settings.from_dict({"detection": values})


def test_one_branch_cannot_stand_for_sets_of_both_sides():
    sides = Settings.from_dict({"stimulation": [{"side": "left"}, {"side": "right"}]})
    with pytest.raises(SettingsError, match="2 different"):
        sides.stimulated("right zygomatic")
