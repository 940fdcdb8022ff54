"""Every sample recording is reported as its truth file says."""

import functools
import json
from pathlib import Path

import pytest

import lsr

pytestmark = pytest.mark.slow

SAMPLE_DATA = Path(__file__).parents[1] / "sample_data"
TRUTHS = {
    path.name.removesuffix(".truth.json"): json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(SAMPLE_DATA.glob("*.truth.json"))
}
CLEAN_STUDIES = (
    *("clinic_with_lsr", "clinic_without_lsr", "triggered_sweeps", "trigger_channel"),
    *("artifact_only", "both_directions", "configured_labels"),
)
OPERATIONS = [name for name, truth in TRUTHS.items() if truth["stages"]]
PAIRS = [(name, k) for name, truth in TRUTHS.items() for k in range(len(truth["pairs"]))]


@functools.cache
def report_of(name):
    """Analyse one recording as its README would have it done, once for all tests."""
    config = SAMPLE_DATA / f"{name}.toml"
    settings = lsr.Settings.from_file(config) if config.exists() else None
    return lsr.analyze(SAMPLE_DATA / f"{name}.edf", settings)


def select(*relations, where=lambda name, truth: True):
    """Pairs of the sample recordings with their truth, each under a name that says which it is."""
    chosen = []
    for name, k in PAIRS:
        truth = TRUTHS[name]["pairs"][k]
        if truth["relation"] in relations and where(name, truth):
            label = f"{name}-{truth['stimulation']}-{truth['muscle']}"
            chosen.append(pytest.param(name, truth, id=label))
    return pytest.mark.parametrize(("name", "truth"), chosen)


def found(name, truth):
    (pair,) = (
        pair
        for pair in report_of(name).pairs
        if (pair.stimulation, pair.channel) == (truth["stimulation"], truth["channel"])
    )
    return pair


@pytest.mark.parametrize("name", TRUTHS)
def test_the_pairs_reported_are_those_recorded(name):
    def described(pair):
        return tuple(pair[key] for key in ("stimulation", "channel", "muscle", "side", "branch", "relation"))

    reported = sorted(described(pair) for pair in report_of(name).to_dict()["pairs"])
    assert reported == sorted(described(pair) for pair in TRUTHS[name]["pairs"])


@pytest.mark.parametrize("name", TRUTHS)
def test_every_stimulus_is_reported_on_the_branch_it_was_given_to(name):
    given = TRUTHS[name]["stimulation"]
    reported = report_of(name).stimulation
    assert [(one.id, one.side, one.branch) for one in reported] == [
        (one["id"], one["side"], one["branch"]) for one in given
    ]
    marked = [len(one["times_s"]) - len(one["missed_markers"]) for one in given]
    assert [one.n_stimuli for one in reported] == marked


@select("target", "ambiguous", where=lambda name, truth: truth["present"])
def test_a_response_that_is_there_is_reported_present(name, truth):
    assert found(name, truth).presence == "present"


@select("target", "ambiguous", where=lambda name, truth: not truth["present"])
def test_no_response_is_reported_where_there_is_none(name, truth):
    assert found(name, truth).presence != "present"


@select("target", where=lambda name, truth: name in CLEAN_STUDIES and not truth["present"])
def test_in_a_clean_study_a_target_without_response_is_reported_absent(name, truth):
    assert found(name, truth).presence == "absent"


@select("target", where=lambda name, truth: truth["present"])
def test_onset_is_within_a_millisecond_of_the_truth(name, truth):
    assert found(name, truth).onset_latency_ms == pytest.approx(truth["onset_latency_ms"], abs=1.0)


@select("direct")
def test_a_direct_muscle_shows_its_m_wave_and_never_an_lsr(name, truth):
    pair = found(name, truth)
    assert (pair.presence, pair.reason) == ("indeterminate", "direct_muscle")
    assert pair.m_wave.presence == "present"
    assert pair.m_wave.amplitude_uv == pytest.approx(truth["m_wave_amplitude_uv"], rel=0.2)


@select("direct")
def test_an_m_wave_starts_within_half_a_millisecond_of_the_truth(name, truth):
    # At 5 kHz behind a low-pass of 2 kHz the artifact's end runs into the M wave's start.
    within_ms = 1.5 if name == "operation_persists" else 0.5
    onset_ms = found(name, truth).m_wave.onset_latency_ms
    assert onset_ms == pytest.approx(truth["m_wave_onset_latency_ms"], abs=within_ms)


@select("target", "ambiguous", where=lambda name, truth: name in OPERATIONS)
def test_the_course_of_an_operation_is_told(name, truth):
    assert found(name, truth).course == truth["course"]


@select("target", "ambiguous", where=lambda name, truth: name in OPERATIONS)
def test_a_response_disappears_in_the_first_block_without_it(name, truth):
    gone = found(name, truth).disappeared_at
    if truth["disappeared_at"] is None:
        assert gone is None
    else:
        assert gone.stage == truth["disappeared_at"]["stage"]
        assert gone.time_s == pytest.approx(truth["disappeared_at"]["time_s"], abs=0.01)


@pytest.mark.parametrize("name", TRUTHS)
def test_a_residual_lsr_is_told_of_operations_alone(name):
    assert report_of(name).residual_lsr is TRUTHS[name]["residual_lsr"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_blocks_lie_in_the_stages_they_were_stimulated_in(name):
    (truth,) = (one for one in TRUTHS[name]["pairs"] if one["relation"] == "target")
    blocks = found(name, truth).blocks
    assert [block.stage for block in blocks] == [block["stage"] for block in truth["blocks"]]
    assert [block.start_s for block in blocks] == pytest.approx(
        [block["start_s"] for block in truth["blocks"]], abs=0.01
    )


@select("target", where=lambda name, truth: truth["stimulus_threshold_ma"] is not None)
def test_a_stimulus_threshold_lies_at_the_lowest_intensity_that_evoked_a_response(name, truth):
    pair = found(name, truth)
    levels = sorted({level.intensity_ma for level in pair.recruitment})
    lowest = truth["stimulus_threshold_ma"]
    below = max(level for level in levels if level < lowest)
    assert below <= pair.stimulus_threshold_ma <= lowest
    low, high = pair.stimulus_threshold_ci_ma
    assert low <= pair.stimulus_threshold_ma <= high


@pytest.mark.parametrize("name", [name for name in TRUTHS if "bursts" not in TRUTHS[name]["nuisances"]])
def test_stimuli_artifacts_and_heartbeats_are_no_bursts(name):
    spontaneous = report_of(name).spontaneous
    if spontaneous is not None:  # sweeps that hold nothing but responses tell nothing
        assert [one.n_bursts for one in spontaneous.activity] == [0] * len(spontaneous.activity)


def test_the_restless_patient_has_spasms_in_all_muscles_at_once():
    spontaneous = report_of("restless_patient").spontaneous
    assert [10 <= one.n_bursts <= 14 for one in spontaneous.activity] == [True] * 3  # 12 were planted
    assert len(spontaneous.synkinesis) == 3
    assert all(one.share > 0.9 and abs(one.lag_ms) < 3 for one in spontaneous.synkinesis)
