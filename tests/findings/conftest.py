"""Blocks of an operation made by hand: what each shows is known."""

import pytest

from lsr.detection.detect import unusable
from lsr.detection.detection import Detection, MWave, Presence
from lsr.findings.findings import BlockFinding

STAGES = ("baseline", "opening", "arachnoid_dissection", "decompression", "closing")

_NOTHING = dict.fromkeys(
    (
        "onset_latency_ms",
        "onset_latency_ci_ms",
        "peak_latency_ms",
        "amplitude_uv",
        "amplitude_ci_uv",
        "baseline_to_peak_uv",
        "area_uv_ms",
        "duration_ms",
        "n_phases",
        "morphology",
        "persistence",
        "persistence_ci",
        "latency_jitter_ms",
        "m_wave",
        "late_response",
    )
)


def wave(amplitude_uv):
    """An M wave of that size; None: none."""
    if amplitude_uv is None:
        return MWave.absent()
    return MWave(
        presence=Presence.PRESENT, amplitude_uv=amplitude_uv, onset_latency_ms=3.5, peak_latency_ms=4.5
    )


def detection(said, *, amplitude_uv=100.0, limit_uv=10.0, noise_uv=5.0, p_value=None, onset_ci_ms=None):
    """What a block shows, in a word: present, unsure, absent, outside, crosstalk, blind, ..."""
    if said == "nothing":
        return unusable("saturated", 20)
    p_value = p_value or {"present": 1e-9, "outside": 1e-9, "crosstalk": 1e-9, "unsure": 0.005}.get(said, 0.4)
    presence = {"present": Presence.PRESENT, "unsure": Presence.PRESENT, "absent": Presence.ABSENT}.get(
        said, Presence.INDETERMINATE
    )
    sizes = _NOTHING
    if presence is Presence.PRESENT:
        interval = amplitude_uv and (0.95 * amplitude_uv, 1.05 * amplitude_uv)
        sizes = _NOTHING | {
            "amplitude_uv": amplitude_uv,
            "amplitude_ci_uv": interval,
            "onset_latency_ms": 9.8,
            "onset_latency_ci_ms": onset_ci_ms,
        }
    return Detection(
        presence=presence,
        reason={
            "blind": "too_noisy",
            "no_limit": "too_noisy",
            "no_m_wave": "no_m_wave",
            "second": "second_artifact",
            "few": "in_few_sweeps",
            "outside": "starts_outside_window",
            "crosstalk": "crosstalk",
        }.get(said),
        p_value=p_value,
        score=0.0,
        n_stimuli_used=20,
        n_stimuli_rejected=0,
        rejected={},
        noise_uv=noise_uv,
        detection_limit_uv=30.0 if said == "blind" else limit_uv,
        **sizes,
    )


@pytest.fixture
def detect_as():
    return detection


@pytest.fixture
def m_wave_of():
    return wave


@pytest.fixture
def make_blocks():
    """Blocks from (what they show, options) or words, a minute apart; `stages` names the stage of each."""

    def make(*shown, stages=None):
        blocks = []
        for k, one in enumerate(shown):
            said, options = (one, {}) if isinstance(one, str) else one
            options = dict(options)
            m_wave_uv = options.pop("m_wave_uv", None if said == "no_m_wave" else 1000.0)
            intensity_ma = options.pop("intensity_ma", None)
            blocks.append(
                BlockFinding(
                    start_s=300.0 * k,
                    end_s=300.0 * k + 10,
                    stage=stages[k] if stages else None,
                    stimuli=tuple(range(20 * k, 20 * k + 20)),
                    detection=detection(said, **options),
                    m_wave=wave(m_wave_uv),
                    intensity_ma=intensity_ma,
                )
            )
        return tuple(blocks)

    return make
