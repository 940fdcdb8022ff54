"""Synthetic sweeps: what would one muscle show after n stimuli, and what is true in it?

Conventions
-----------
Time is in milliseconds from the stimulus, EMG in microvolts, raw: artifact, hum and all. Rows are sweeps.
SNR is the median peak-to-peak amplitude of the answered sweeps' noise-free responses, after the
amplifier, over the standard deviation of the noise (background EMG and amplifier, no other nuisance) in a
single sweep. The true onset is the first time the noise-free mean response of the answered sweeps exceeds
5 % of its peak. Stimuli fall between samples: a sweep's stimulus lies within half a sample of its time 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lsr.synthetic.amplifier import Amplifier, draw_amplifier
from lsr.synthetic.families import Family, family_of
from lsr.synthetic.nuisances import (
    ALL_HARMONICS,
    Evoked,
    burst_envelope,
    draw_artifact,
    draw_burst_times,
    draw_crosstalk,
    draw_drift,
    draw_ecg,
    draw_hum,
    draw_noise,
)
from lsr.synthetic.responses import (
    Firing,
    Response,
    draw_firing,
    draw_late_response,
    draw_lateral_spread,
    draw_m_wave,
    exact_sweeps,
    render_response,
)
from lsr.synthetic.streams import stream
from lsr.synthetic.truth import SweepsTruth, SweepTruth, sweep_truths
from lsr.synthetic.waveforms import fine_time_ms, peak_to_peak, start_ms, weighted_sum

NUISANCES = ("tail", "hum", "bursts", "crosstalk", "ecg", "drift", "saturation", "late", "alternating")
_MIXED_CHANCE = {"ecg": 0.3, "drift": 0.4, "saturation": 0.3, "late": 0.3, "alternating": 0.25}  # else 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnSweeps:
    """Sweeps of one muscle, with those of a directly innervated one, and their truth."""

    emg_uv: np.ndarray  # (n_sweeps, n_samples)
    time_ms: np.ndarray  # (n_samples,)
    direct_emg_uv: np.ndarray | None  # (n_sweeps, n_samples)
    truth: SweepsTruth


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """What every part of one drawing shares."""

    seed: int
    n_sweeps: int
    rate_hz: float
    time_ms: np.ndarray
    offsets_ms: np.ndarray  # (n_sweeps,) of each stimulus from its row's time 0
    stimuli_s: np.ndarray  # (n_sweeps,) on the recording's clock
    mains_hz: float
    family: Family
    amplifier: Amplifier
    noise_uv: float
    strength: float
    names: tuple[str, ...]

    @property
    def clock_s(self) -> np.ndarray:
        """Time of every sample on the recording's clock, shape (n_sweeps, n_samples)."""
        return np.asarray(self.stimuli_s[:, None] + self.time_ms[None, :] / 1000.0)


def draw_sweeps(
    *,
    seed: int,
    n_sweeps: int = 20,
    rate_hz: float = 20_000.0,
    before_ms: float = 40.0,
    after_ms: float = 100.0,
    present: bool = True,
    snr: float = 10.0,
    noise_uv: float = 5.0,
    latency_ms: float | None = None,
    jitter_ms: float = 0.15,
    persistence: float = 0.9,
    amplitude_cv: float = 0.3,
    morphology: str | None = None,
    nuisance: str | Sequence[str] = "clean",
    strength: float = 1.0,
    family: str = "any",
    between_samples: bool = True,
    m_wave_uv: float | None = None,
) -> DrawnSweeps:
    """Draw the sweeps of one muscle and of the direct muscle beside it.

    Parameters
    ----------
    before_ms, after_ms : float
        Stretch before and after the stimulus; 0 before gives sweeps that start at the stimulus.
    snr : float
        Peak-to-peak amplitude over noise, as the module's conventions define it.
    latency_ms : float | None
        Nominal onset; None draws one of 6.5-13.5 ms.
    jitter_ms, persistence, amplitude_cv : float
        Spread of the latency, probability of an answer, spread of the size over sweeps.
    morphology : str | None
        "monophasic" or "polyphasic"; None draws one.
    nuisance : str | Sequence[str]
        "clean", "mixed" (a random choice), or one or several of `NUISANCES`.
    strength : float
        Multiplies the size of every nuisance; 1 is what hurts simple methods.
    family : str
        One of `families.FAMILIES`, or "any".
    m_wave_uv : float | None
        Peak-to-peak amplitude of the M wave; None draws 500-4000 uV; 0 for a stimulus that did nothing.

    Examples
    --------
    >>> drawn = draw_sweeps(seed=1, n_sweeps=5, latency_ms=9.0, rate_hz=10_000)
    >>> drawn.emg_uv.shape
    (5, 1401)
    >>> abs(drawn.truth.onset_ms - 9.0) < 0.5
    True
    """
    scene = _draw_scene(
        seed, n_sweeps, rate_hz, (before_ms, after_ms), family, noise_uv, strength, nuisance, between_samples
    )
    m_wave, m_firing, m_wave_uv = _draw_direct(scene, m_wave_uv)
    emg_uv = noise_uv * _noise(scene, "noise") + _evoked_nuisances(scene, m_wave, m_firing, m_wave_uv)
    response_uv, sweeps, onset_ms, amplitude_uv, shape = _draw_lsr(
        scene, present, snr, latency_ms, jitter_ms, persistence, amplitude_cv, morphology
    )
    emg_uv = _recorded(scene, emg_uv + response_uv + _running_nuisances(scene, "target"))
    direct_uv = m_wave_uv * render_response(m_wave, m_firing, scene.time_ms, scene.offsets_ms)
    exact_uv, exact_ms = exact_sweeps(m_wave, m_firing)
    m_onset_ms = start_ms(exact_uv.mean(axis=0), exact_ms) if m_wave_uv > 0 else None
    direct_uv = direct_uv + _direct_surroundings(scene)
    truth = SweepsTruth(
        present=present,
        onset_ms=onset_ms,
        amplitude_uv=amplitude_uv,
        persistence=float(np.mean([sweep.present for sweep in sweeps])),
        morphology=shape,
        sweeps=sweeps,
        m_wave_onset_ms=m_onset_ms,
        m_wave_uv=m_wave_uv,
        noise_uv=noise_uv,
        snr=snr if present else 0.0,
        nuisances=scene.names,
        family=scene.family.name,
        kinds={
            "units": scene.family.units,
            "tail": scene.family.tail,
            "crosstalk": scene.family.crosstalk,
            "noise": scene.family.noise,
        },
        seed=seed,
    )
    return DrawnSweeps(emg_uv=emg_uv, time_ms=scene.time_ms, direct_emg_uv=direct_uv, truth=truth)


def nuisances_of(nuisance: str | Sequence[str], rng: np.random.Generator) -> tuple[str, ...]:
    """Names of the nuisances asked for; "mixed" draws at least two.

    Raises
    ------
    ValueError
        A name that is none of `NUISANCES`.
    """
    asked = (nuisance,) if isinstance(nuisance, str) else tuple(nuisance)
    if asked == ("mixed",):
        drawn = [name for name in NUISANCES if rng.random() < _MIXED_CHANCE.get(name, 0.6)]
        extra = [name for name in ("tail", "hum", "crosstalk") if name not in drawn]
        return tuple(drawn + extra[: max(0, 2 - len(drawn))])
    names = tuple(name for name in asked if name != "clean")
    unknown = [name for name in names if name not in NUISANCES]
    if unknown:
        raise ValueError(f"unknown nuisance {unknown[0]!r}; known: clean, mixed, {', '.join(NUISANCES)}")
    return names


def _draw_scene(
    seed: int,
    n_sweeps: int,
    rate_hz: float,
    around_ms: tuple[float, float],
    family: str,
    noise_uv: float,
    strength: float,
    nuisance: str | Sequence[str],
    between_samples: bool,
) -> _Scene:
    rng = stream(seed, "scene")
    before = round(around_ms[0] * rate_hz / 1000.0)
    after = round(around_ms[1] * rate_hz / 1000.0)
    mains_hz = float(rng.choice([50.0, 60.0]))
    locked = rng.random() < 0.5
    names = nuisances_of(nuisance, stream(seed, "nuisances"))
    # A stimulus rate that divides the mains locks the hum: every sweep sees the same phase.
    interval_s = 1.0 if locked else float(rng.uniform(0.2, 1.2))
    stimuli_s = 1.0 + interval_s * np.arange(n_sweeps)
    if not locked:
        stimuli_s = stimuli_s + rng.uniform(-0.02, 0.02, n_sweeps)
        mains_hz += float(rng.uniform(-0.05, 0.05))
    half_ms = 500.0 / rate_hz if between_samples else 0.0
    return _Scene(
        seed=seed,
        n_sweeps=n_sweeps,
        rate_hz=rate_hz,
        time_ms=np.arange(-before, after + 1) * 1000.0 / rate_hz,
        offsets_ms=rng.uniform(-half_ms, half_ms, n_sweeps),
        stimuli_s=stimuli_s,
        mains_hz=mains_hz,
        family=family_of(family, stream(seed, "family")),
        amplifier=draw_amplifier(stream(seed, "amplifier"), rate_hz),
        noise_uv=noise_uv,
        strength=strength,
        names=names,
    )


def _noise(scene: _Scene, name: str) -> np.ndarray:
    rng = stream(scene.seed, name)
    return draw_noise(
        rng,
        (scene.n_sweeps, scene.time_ms.size),
        scene.rate_hz,
        kind=scene.family.noise,
        amplifier=scene.amplifier,
        background=float(rng.uniform(0.2, 0.8)),
    )


def _render(scene: _Scene, evoked: Evoked) -> np.ndarray:
    waves = scene.amplifier.filter(evoked.waves)
    return weighted_sum(waves, evoked.weights, scene.offsets_ms[:, None], scene.time_ms)


def _draw_direct(scene: _Scene, m_wave_uv: float | None) -> tuple[Response, Firing, float]:
    """M wave of the stimulated branch's muscle, what its units do, and its size."""
    rng = stream(scene.seed, "m_wave")
    drawn_uv = float(np.exp(rng.uniform(np.log(500.0), np.log(4000.0))))
    m_wave = draw_m_wave(
        rng,
        latency_ms=float(rng.uniform(2.5, 5.0)),
        shape=scene.family.units,
        amplifier=scene.amplifier,
    )
    firing = draw_firing(
        rng,
        m_wave,
        scene.n_sweeps,
        jitter_ms=0.03,
        amplitude_cv=float(rng.uniform(0.01, 0.1)),
        unit_dropout=0.02,
        units_jitter=False,
    )
    return m_wave, firing, drawn_uv if m_wave_uv is None else m_wave_uv


def _evoked_nuisances(scene: _Scene, m_wave: Response, firing: Firing, m_wave_uv: float) -> np.ndarray:
    """Artifact and crosstalk in the target muscle."""
    rng = stream(scene.seed, "artifact")
    level_uv = scene.noise_uv * scene.strength
    tail_uv = level_uv * float(np.exp(rng.uniform(np.log(10.0), np.log(200.0))))
    spike_uv = scene.noise_uv * float(np.exp(rng.uniform(np.log(20.0), np.log(400.0))))
    artifact = draw_artifact(
        rng,
        scene.n_sweeps,
        spike_uv=spike_uv,
        tail_uv=tail_uv if "tail" in scene.names else 0.0,
        tail=scene.family.tail,
        variation=float(rng.uniform(0.02, 0.15)),
        alternating="alternating" in scene.names,
    )
    evoked_uv = _render(scene, artifact)
    if "crosstalk" in scene.names and m_wave_uv > 0:
        rng = stream(scene.seed, "crosstalk")
        copy_uv = level_uv * float(np.exp(rng.uniform(np.log(5.0), np.log(60.0))))
        copy = draw_crosstalk(rng, m_wave.units, firing.weights, scene.family.crosstalk)
        # The copy is of a potential that went through the amplifier's low-pass already; a second pass
        # would only round it further.
        evoked_uv += copy_uv * weighted_sum(
            copy.waves, copy.weights, scene.offsets_ms[:, None], scene.time_ms
        )
    return evoked_uv


def _running_nuisances(scene: _Scene, muscle: str) -> np.ndarray:
    """Hum, ECG, drift, bursts and late afterdischarge of one muscle."""
    level_uv = scene.noise_uv * scene.strength
    running_uv = np.zeros((scene.n_sweeps, scene.time_ms.size))
    if "hum" in scene.names:
        rng = stream(scene.seed, "hum", muscle)
        size = rng.uniform(1.0, 8.0)
        hum = draw_hum(rng, scene.clock_s, mains_hz=scene.mains_hz, harmonics=ALL_HARMONICS)
        running_uv += level_uv * size * hum
    if "ecg" in scene.names:
        rng = stream(scene.seed, "ecg", muscle)
        running_uv += level_uv * rng.uniform(5.0, 40.0) * draw_ecg(rng, scene.clock_s)
    if "drift" in scene.names:
        rng = stream(scene.seed, "drift", muscle)
        running_uv += level_uv * rng.uniform(5.0, 50.0) * draw_drift(rng, scene.clock_s)
    if "bursts" in scene.names:
        size = stream(scene.seed, "burst size", muscle).uniform(3.0, 15.0)
        running_uv += level_uv * size * _bursts(scene) * _noise(scene, f"bursts {muscle}")
    if "late" in scene.names and muscle == "target":
        running_uv += level_uv * _late(scene)
    return running_uv


def _bursts(scene: _Scene) -> np.ndarray:
    """Level of the spasm bursts, the same for every muscle, in some of the sweeps."""
    rng = stream(scene.seed, "bursts")
    level = np.zeros((scene.n_sweeps, scene.time_ms.size))
    n_hit = max(1, int(rng.binomial(scene.n_sweeps, rng.uniform(0.05, 0.3))))
    first_s, last_s = scene.time_ms[0] / 1000.0, scene.time_ms[-1] / 1000.0
    for sweep in rng.permutation(scene.n_sweeps)[:n_hit]:
        burst_s = draw_burst_times(rng, first_s - 0.05, last_s, 1)
        level[sweep] = burst_envelope(burst_s, scene.time_ms / 1000.0)
    return level


def _late(scene: _Scene) -> np.ndarray:
    rng = stream(scene.seed, "late")
    late = draw_late_response(
        rng,
        latency_ms=float(rng.uniform(25.0, 45.0)),
        shape=scene.family.units,
        amplifier=scene.amplifier,
    )
    firing = draw_firing(
        rng, late, scene.n_sweeps, persistence=0.7, jitter_ms=2.0, amplitude_cv=0.6, unit_dropout=0.4
    )
    size = rng.uniform(4.0, 20.0)
    return np.asarray(size * render_response(late, firing, scene.time_ms, scene.offsets_ms))


def _draw_lsr(
    scene: _Scene,
    present: bool,
    snr: float,
    latency_ms: float | None,
    jitter_ms: float,
    persistence: float,
    amplitude_cv: float,
    morphology: str | None,
) -> tuple[np.ndarray, tuple[SweepTruth, ...], float | None, float | None, str | None]:
    """Response sweeps, truth per sweep, onset and amplitude of the mean, and morphology."""
    if not present:
        nothing = SweepTruth(present=False, latency_ms=None, amplitude_uv=None)
        flat = np.zeros((scene.n_sweeps, scene.time_ms.size))
        return flat, (nothing,) * scene.n_sweeps, None, None, None
    rng = stream(scene.seed, "response")
    drawn_ms, drawn_shape = float(rng.uniform(6.5, 13.5)), str(rng.choice(["monophasic", "polyphasic"]))
    response = draw_lateral_spread(
        rng,
        latency_ms=drawn_ms if latency_ms is None else latency_ms,
        shape=scene.family.units,
        amplifier=scene.amplifier,
        morphology=morphology or drawn_shape,
    )
    firing = draw_firing(
        rng,
        response,
        scene.n_sweeps,
        persistence=persistence,
        jitter_ms=jitter_ms,
        amplitude_cv=amplitude_cv,
    )
    exact_uv, exact_ms = exact_sweeps(response, firing)
    amplitudes = peak_to_peak(exact_uv[firing.answered])
    scale_uv = snr * scene.noise_uv / float(np.median(amplitudes))
    sweeps = sweep_truths(exact_uv * scale_uv, exact_ms, firing.answered)
    mean_uv = exact_uv[firing.answered].mean(axis=0) * scale_uv
    rendered_uv = scale_uv * render_response(response, firing, scene.time_ms, scene.offsets_ms)
    return rendered_uv, sweeps, start_ms(mean_uv, exact_ms), float(np.ptp(mean_uv)), response.morphology


def _direct_surroundings(scene: _Scene) -> np.ndarray:
    """Everything in the direct muscle's sweeps but the M wave."""
    rng = stream(scene.seed, "direct artifact")
    spike_uv = float(np.exp(rng.uniform(np.log(200.0), np.log(3000.0))))
    artifact = draw_artifact(
        rng,
        scene.n_sweeps,
        spike_uv=spike_uv,
        tail_uv=float(rng.uniform(0.02, 0.2)) * spike_uv if "tail" in scene.names else 0.0,
        tail=scene.family.tail,
        alternating="alternating" in scene.names,
    )
    surroundings_uv = scene.noise_uv * _noise(scene, "direct noise") + _render(scene, artifact)
    return np.asarray(surroundings_uv + _running_nuisances(scene, "direct"))


def _recorded(scene: _Scene, emg_uv: np.ndarray) -> np.ndarray:
    """What the converter leaves: with "saturation", the artifact's first milliseconds hit the rails."""
    if "saturation" not in scene.names:
        return emg_uv
    rng = stream(scene.seed, "saturation")
    overload = Evoked(
        waves=np.exp(-((fine_time_ms() / rng.uniform(0.8, 2.0)) ** 2))[None, :],
        weights=np.full((scene.n_sweeps, 1), rng.choice([-1.0, 1.0])),
    )
    rail_uv = scene.noise_uv * float(rng.uniform(60.0, 200.0))
    pulse_uv = (
        20.0
        * rail_uv
        * weighted_sum(overload.waves, overload.weights, scene.offsets_ms[:, None], scene.time_ms)
    )
    return np.clip(emg_uv + pulse_uv, -rail_uv, rail_uv)
