"""What do the sweeps of one muscle in one block show?

Conventions
-----------
Rows are sweeps, columns samples; time is milliseconds from the stimulus, EMG microvolts. The steps, each
in a file of its own: prepare the sweeps, model what is no response, score presence, and where there is
a response draw its waveform, from which onset, size and persistence are read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lsr.detection.amplitude import Measures, measure, widen_interval
from lsr.detection.detection import Detection, LateResponse, MWave, Presence, SweepFinding, Whitened
from lsr.detection.evidence import Model
from lsr.detection.late import find_late_response
from lsr.detection.m_wave import DirectMuscle, read_direct
from lsr.detection.noise import SWEEPS_TELL_BURSTS, Noise
from lsr.detection.nuisances import DIRECT_UNTIL_MS, Nuisances, Removed, find_nuisances
from lsr.detection.onset import Draws, draw_responses
from lsr.detection.persistence import Persistence, measure_persistence
from lsr.detection.prepare import CLIPPED_SHARE, Prepared, check_sweeps, prepare
from lsr.detection.presence import (
    Score,
    detection_limit_uv,
    discount,
    evidence_of_starts,
    p_value,
    score_beside,
    score_presence,
    score_sharp,
    threshold_score,
    weigh,
)
from lsr.detection.rivals import OF_TAIL, SECOND_ARTIFACT, Rival
from lsr.errors import SweepsError
from lsr.settings import DetectionSettings, Settings, given_settings
from lsr.threads import one_thread

LOWEST_HZ = 2000.0  # below it no latency is told
_HIGHEST_HZ = 1e6
_COARSE_HZ = 5000.0
_LEAST_NOISE_UV = 0.015  # of a sweep, or an average of hundreds: less is likelier another unit
_LEAST_RESPONSE_UV = 1.0  # beside so little noise: no smaller one was ever reported
_TO_EDGE_MS = 0.3  # what comes as close to the start of the search window may have begun before it
_AT_EDGE_MS = 1.0  # an onset as close to it may be an M wave's where none was recorded
_NOTABLE_CROSSTALK = 3.0  # deviations of the average's noise
_CROSSTALK_SHARE = 0.1  # of a response: of less it cannot be made
_SAME_DEFLECTION_MS, _RISE_WITHIN_MS = 2.0, 2.5  # after the search window begins: an onset; before: a rise
_RISE_SHARE = 0.15  # of a response: tails and copies that rise by more before it may be its beginning
_START_TO_ONSET_MS, _CLEARLY_EARLIER = 0.2, 4.0  # of a response that begins at the window's start; log odds
_CLEARLY_ELSEWHERE = float(np.log(3))  # log odds that what stands out begins outside the window
_WITHOUT_ONE = 0.05  # the p-value at most, of few sweeps, whichever is left out
_BORDERLINE = 3.0  # times alpha: what is nearly present is not called absent


@one_thread()
def detect(
    emg_uv: np.ndarray,
    time_ms: np.ndarray,
    direct_emg_uv: np.ndarray | None = None,
    settings: Settings | None = None,
) -> Detection:
    """Judge whether the sweeps of one muscle hold a delayed response, and measure it.

    Parameters
    ----------
    emg_uv : np.ndarray, shape (n_sweeps, n_samples)
        Raw sweeps: artifact, mains and all. One sweep, or one average, may have shape (n_samples,).
    time_ms : np.ndarray, shape (n_samples,)
        From the stimulus; evenly rising; with a stretch before the stimulus where there is one.
    direct_emg_uv : np.ndarray | None, shape (n_sweeps, n_samples)
        The same sweeps of a muscle supplied by the stimulated branch. Without them the stimulus is not
        proved, so the answer is never "absent".
    settings : Settings | None
        None: the defaults.

    Returns
    -------
    Detection

    Raises
    ------
    SweepsError
        Arrays that are no sweeps, or a rate below 2 kHz.
    SettingsError
        Settings that are none.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> time_ms = np.arange(-40, 80, 0.1)
    >>> response = 200 * np.exp(-((time_ms - 12) ** 2)) * np.sin(time_ms - 12)
    >>> found = detect(response + rng.normal(0, 5, (20, time_ms.size)), time_ms)
    >>> found.presence.value, abs(found.onset_latency_ms - 9.8) < 0.3
    ('present', True)
    """
    chosen = given_settings(settings).detection
    directs = []
    if direct_emg_uv is not None:
        emg, time = check_sweeps(emg_uv, time_ms)
        beside, _ = check_sweeps(direct_emg_uv, time)
        if beside.shape != emg.shape:
            raise SweepsError(f"direct_emg_uv: needs the shape of emg_uv {emg.shape}, found {beside.shape}")
        directs = [read_direct(beside, time, chosen)]
    return detect_beside(directs, emg_uv, time_ms, chosen)


def detect_beside(
    directs: Sequence[DirectMuscle], emg_uv: np.ndarray, time_ms: np.ndarray, settings: DetectionSettings
) -> Detection:
    """Do the work of `detect` where direct muscles were read before: many muscles are judged beside them.

    Parameters
    ----------
    directs : sequence of DirectMuscle
        Of the same stimuli. The first proves that they reached the nerve; the M wave of every one may leak.
    emg_uv, time_ms, settings
        As for `detect`.

    Returns
    -------
    Detection

    Raises
    ------
    SweepsError
        As `detect` does.
    """
    emg, time = check_sweeps(emg_uv, time_ms)
    rate_hz = 1000 / float(np.median(np.diff(time)))
    if rate_hz < LOWEST_HZ * 0.999:
        raise SweepsError(
            f"time_ms: {rate_hz:.0f} Hz is too slow for latencies; at least {LOWEST_HZ:.0f} Hz is needed"
        )
    if rate_hz > _HIGHEST_HZ:
        raise SweepsError(
            f"time_ms: {rate_hz:.3g} Hz is faster than any amplifier; are these seconds? They have to be ms"
        )
    if time[0] > settings.search_window_ms[0]:
        raise SweepsError(
            f"time_ms: sweeps begin at {time[0]:.1f} ms, after the search window does "
            f"({settings.search_window_ms[0]} ms); cut them from the stimulus on, or set it later"
        )
    if time[-1] < settings.search_window_ms[1]:
        raise SweepsError(
            f"time_ms: sweeps end at {time[-1]:.1f} ms, before the search window does "
            f"({settings.search_window_ms[1]} ms); cut longer sweeps or set detection.search_window_ms"
        )
    prepared = prepare(emg, time, search_ms=settings.search_window_ms, mains_hz=settings.mains_hz)
    if not isinstance(prepared, Prepared):
        return _nothing_usable(prepared)
    return _judge(prepared, directs, settings, rate_hz)


def unusable(reason: str, n_sweeps: int, *, m_wave: MWave | None = None) -> Detection:
    """The detection of sweeps that are not judged at all, and why."""
    return _assemble(
        presence=Presence.INDETERMINATE,
        reason=reason,
        reasons=(reason,) * n_sweeps,
        m_wave=m_wave,
        evidence=(("sweeps", f"{n_sweeps} not judged"),),
    )


def _nothing_usable(reasons: tuple[str | None, ...]) -> Detection:
    counts = Counter(reason for reason in reasons if reason)
    return _assemble(
        presence=Presence.INDETERMINATE,
        reason=counts.most_common(1)[0][0],
        reasons=reasons,
        evidence=(("sweeps", f"none of {len(reasons)} can be used: {dict(counts)}"),),
    )


def _judge(
    prepared: Prepared, directs: Sequence[DirectMuscle], settings: DetectionSettings, rate_hz: float
) -> Detection:
    each = [direct.wave_uv(prepared.used, prepared.time_ms) for direct in directs]
    waves_uv = [wave for wave in each if wave is not None]
    nuisances = of_all = find_nuisances(prepared, waves_uv)
    if of_all.apart.any():
        prepared = replace(prepared, noise=prepared.noise.leaving_out(of_all.apart))
        nuisances = find_nuisances(prepared, waves_uv)
    noise, removed = prepared.noise, replace(nuisances.removed, n_apart=int(of_all.apart.sum()))
    model = nuisances.model()
    score = score_presence(model, settings.search_window_ms, may_last=bool(directs))
    unit = discount(noise)
    alone = p_value(score.alone / unit)
    weighed = alone <= _BORDERLINE * settings.alpha
    found_by = _weigh_rivals(nuisances, model, score, settings, weighed=weighed)
    value, model = found_by.value / unit, found_by.model
    p = p_value(value)
    threshold = unit * threshold_score(settings.alpha)
    p_second = 1.0
    if alone <= settings.alpha < p:
        found_by, p_second = _look_beside(found_by, nuisances, settings, unit)
    limit = detection_limit_uv(found_by.otherwise, settings.search_window_ms, threshold, settings.power)
    m_wave = directs[0].m_wave if directs else None
    presence, reason = _answer(
        p,
        limit,
        m_wave,
        prepared,
        nuisances,
        settings,
        of_all=of_all,
        beside=found_by.beside,
        instead=found_by.instead,
        otherwise=found_by.otherwise,
        p_second=p_second,
    )
    late = find_late_response(
        prepared.emg_uv,
        prepared.time_ms,
        prepared.before,
        noise,
        window_ms=settings.late_window_ms,
        alpha=settings.alpha,
    )
    if presence is Presence.PRESENT and _hangs_on_one(prepared, waves_uv, settings):
        presence, reason = Presence.INDETERMINATE, "in_few_sweeps"
    measured = None
    begins_late = alone <= settings.alpha < p and found_by.without.begins_after
    if presence is Presence.PRESENT:
        draws = _draw(nuisances, found_by, settings)
        measured = _measure(draws, nuisances, found_by, noise, settings)
        if measured is None:
            presence, reason = Presence.INDETERMINATE, "starts_outside_window"
            begins_late = draws.onset() > settings.search_window_ms[1]
        elif why := _why_no_lsr(measured, nuisances, found_by, noise, removed, m_wave, settings):
            presence, reason, measured = Presence.INDETERMINATE, why, None
    return _assemble(
        presence=presence,
        reason=reason,
        reasons=prepared.reasons,
        begins_late=begins_late,
        p=p,
        score=value,
        limit=limit,
        m_wave=m_wave,
        late=late,
        measured=measured,
        prepared=prepared,
        average=(
            model.time_ms,
            model.average_uv - model.nuisance_estimate(measured.response_uv if measured else 0.0),
        ),
        warnings=_warnings(rate_hz, prepared, removed, is_measured=measured is not None),
        evidence=_evidence(
            prepared, removed, value, p, _of_rivals(alone, weighed, found_by), settings, limit, m_wave
        ),
        whitened=_whitened(model if presence is Presence.PRESENT else found_by.otherwise, unit),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """A response that is there."""

    response_uv: np.ndarray  # (n_samples,): its mean waveform
    onset_ms: float
    onset_interval_ms: tuple[float, float]
    size: Measures
    persistence: Persistence


def _draw(nuisances: Nuisances, found_by: _Weighed, settings: DetectionSettings) -> Draws:
    steady = nuisances.model(*found_by.beside, steady=True) if nuisances.varies else found_by.model
    rng = np.random.default_rng(settings.seed)
    return draw_responses(steady, found_by.score, settings.search_window_ms, rng)


def _measure(
    every: Draws, nuisances: Nuisances, found_by: _Weighed, noise: Noise, settings: DetectionSettings
) -> _Measured | None:
    """Read onset, size and persistence off its waveform; None where it starts outside the window."""
    model = found_by.model
    draws = every.within(settings.search_window_ms)
    if draws is None:
        return None
    response_uv = draws.mean_uv(model.time_ms)
    return _Measured(
        response_uv=response_uv,
        onset_ms=draws.onset(),
        onset_interval_ms=draws.onset_interval(),
        size=measure(draws),
        persistence=measure_persistence(
            nuisances.sweeps_uv - model.nuisance_estimate(response_uv),
            model,
            noise,
            response_uv,
        ),
    )


def _why_no_lsr(
    measured: _Measured,
    nuisances: Nuisances,
    found_by: _Weighed,
    noise: Noise,
    removed: Removed,
    m_wave: MWave | None,
    settings: DetectionSettings,
) -> str | None:
    """Why a response that begins in the window is not told as an LSR; None where it is."""
    if noise.sweep_sd_uv < _LEAST_NOISE_UV and measured.size.amplitude_uv < _LEAST_RESPONSE_UV:
        return "noise_implausible"
    if _may_be_crosstalk(measured, removed, noise, m_wave, settings):
        return "crosstalk"
    if _begins_earlier(measured, nuisances, found_by, settings):
        return "crosstalk"
    return "m_wave_late" if m_wave is not None and m_wave.late_onset_ms is not None else None


def _may_be_crosstalk(
    measured: _Measured, removed: Removed, noise: Noise, m_wave: MWave | None, settings: DetectionSettings
) -> bool:
    """Whether a response may have begun with the M wave: something of that is in the muscle, or may be."""
    earliest_ms = settings.search_window_ms[0]
    known = m_wave is not None and m_wave.presence is Presence.PRESENT
    if measured.onset_ms < earliest_ms + (_TO_EDGE_MS if known else _AT_EDGE_MS):
        return True
    of_m_wave_uv = max(removed.crosstalk_uv, removed.unexplained_direct_uv)
    is_notable = of_m_wave_uv > max(
        _NOTABLE_CROSSTALK * noise.average_sd_uv, _CROSSTALK_SHARE * measured.size.amplitude_uv
    )
    return is_notable and measured.onset_interval_ms[0] < earliest_ms + _TO_EDGE_MS


def _begins_earlier(
    measured: _Measured, nuisances: Nuisances, found_by: _Weighed, settings: DetectionSettings
) -> bool:
    """Whether a response is the rest of what begins before the window and passes for tail and copy there.

    Their sizes are told by samples that it reaches. Where they rise towards the onset, as an artifact's tail
    alone does not, starts are weighed again beside smaller ones.
    """
    earliest_ms = settings.search_window_ms[0]
    if measured.onset_ms > earliest_ms + _SAME_DEFLECTION_MS:
        return False
    model = found_by.model
    before = (model.time_ms > earliest_ms - _RISE_WITHIN_MS) & (
        model.time_ms < measured.onset_ms + _TO_EDGE_MS
    )
    height = np.abs(model.nuisance_estimate(measured.response_uv)[before])
    rise_uv = float((height - np.minimum.accumulate(height)).max(initial=0.0))
    if rise_uv < _RISE_SHARE * measured.size.amplitude_uv:
        return False
    found = [
        evidence_of_starts(one, settings.search_window_ms, found_by.score)
        for one in nuisances.lesser_models(*found_by.beside)
    ]
    starts_ms, evidence = found[0][0], np.logaddexp.reduce([each for _, each in found])
    early = starts_ms < earliest_ms + _START_TO_ONSET_MS
    return float(evidence[early].max() - evidence[~early].max()) > _CLEARLY_EARLIER


def _hangs_on_one(prepared: Prepared, waves_uv: Sequence[np.ndarray], settings: DetectionSettings) -> bool:
    """Whether of two to four sweeps a single one holds all that stands out: it may be a burst.

    More sweeps tell by their differences what varies.
    """
    n_sweeps = prepared.emg_uv.shape[0]
    if not 1 < n_sweeps < SWEEPS_TELL_BURSTS:
        return False
    for left_out in np.eye(n_sweeps, dtype=bool):
        noise = prepared.noise.leaving_out(left_out)
        model = find_nuisances(replace(prepared, noise=noise), waves_uv).model()
        score = score_presence(model, settings.search_window_ms)
        if p_value(score.alone / discount(noise)) > _WITHOUT_ONE:
            return True
    return False


def _whitened(model: Model, unit: float) -> Whitened:
    return Whitened(
        time_ms=model.time_ms,
        root=model.root.astype(np.float32),
        average=model.whitened.astype(np.float32),
        deviation=float(np.sqrt(unit)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weighed:
    """What became of a score when everything that may pass for a response competed with one."""

    value: float
    score: Score  # beside the likeliest nuisances
    beside: tuple[Rival, ...]  # among them
    model: Model  # of them
    otherwise: Model  # of the likeliest nuisances if there is no response
    instead: tuple[Rival, ...]  # among those
    without: Score  # beside those


def _weigh_rivals(
    nuisances: Nuisances, model: Model, score: Score, settings: DetectionSettings, *, weighed: bool
) -> _Weighed:
    """Let what may pass for a response compete with one, where anything stands out at all."""
    found = nuisances.find_rivals() if weighed else ()
    rivals: list[tuple[Rival, ...]] = [(), *((rival,) for rival in found)]
    others = [model.beside(rival.columns) for rival in found]
    scores = [score, *score_beside(model, others, settings.search_window_ms, score)]
    odds = [
        model.log_null,
        *(one.log_null - rival.cost for one, rival in zip(others, found, strict=True)),
    ]
    of_tail = [any(rival.reason == OF_TAIL for rival in some) for some in rivals]
    value, best, without = weigh(list(zip(scores, odds, strict=True)), of_tail)
    models = {0: model} | {k: nuisances.model(*rivals[k]) for k in {best, without} - {0}}
    return _Weighed(
        value=value,
        score=scores[best],
        beside=rivals[best],
        model=models[best],
        otherwise=models[without],
        instead=rivals[without],
        without=scores[without],
    )


def _look_beside(
    found_by: _Weighed, nuisances: Nuisances, settings: DetectionSettings, unit: float
) -> tuple[_Weighed, float]:
    """Where a rival or another start explains what stands out: whether a response stands out beside it.

    What begins before the window joins the nuisances, so that the limit is that of a response on top of it.
    What begins after it may be a late LSR, what is hardly less likely to begin within it an early one, and
    what a rival explains no better than a response does is told from neither: there 0 is returned, and
    absence is never said.
    """
    elsewhere = found_by.without.begins_elsewhere
    if found_by.value > (-_CLEARLY_ELSEWHERE * unit if elsewhere else 0.0):
        return found_by, 0.0
    if not elsewhere:
        return found_by, 1.0
    if found_by.without.begins_after:
        return found_by, 0.0
    columns = found_by.without.earlier_columns(found_by.otherwise.time_ms)
    earlier = Rival("what begins before the window", columns, 0.0, "explained_otherwise")
    instead = (*found_by.instead, earlier)
    otherwise = nuisances.model(*instead)
    second = score_presence(otherwise, settings.search_window_ms)
    return replace(found_by, instead=instead, otherwise=otherwise), p_value(second.alone / unit)


def _answer(
    p: float,
    limit: float,
    m_wave: MWave | None,
    prepared: Prepared,
    nuisances: Nuisances,
    settings: DetectionSettings,
    *,
    of_all: Nuisances,
    beside: tuple[Rival, ...],
    instead: tuple[Rival, ...],
    otherwise: Model,
    p_second: float,
) -> tuple[Presence, str | None]:
    """Absent only where a small response would have been seen and an M wave proves the stimulus."""
    if any(rival.reason == SECOND_ARTIFACT for rival in (beside if p <= settings.alpha else instead)):
        return Presence.INDETERMINATE, SECOND_ARTIFACT  # from which of the two would latencies count?
    if p <= settings.alpha:
        return Presence.PRESENT, None
    if limit > settings.smallest_response_uv:
        threshold = discount(prepared.noise) * threshold_score(settings.alpha)
        bare = detection_limit_uv(nuisances.bare(), settings.search_window_ms, threshold, settings.power)
        if instead and bare <= settings.smallest_response_uv:
            return Presence.INDETERMINATE, instead[-1].reason
        reason = _why_blind(limit, bare, prepared, nuisances.removed, settings.smallest_response_uv)
        return Presence.INDETERMINATE, reason
    if p <= _BORDERLINE * settings.alpha:
        return Presence.INDETERMINATE, "borderline"
    if p_second <= _BORDERLINE * settings.alpha:
        if instead:
            return Presence.INDETERMINATE, instead[-1].reason
        return Presence.INDETERMINATE, "explained_otherwise"
    if _is_clipped(prepared):
        return Presence.INDETERMINATE, "saturated"  # the limit may have cut a response off
    if prepared.noise.sweep_sd_uv < _LEAST_NOISE_UV:  # in another unit no M wave is seen either
        return Presence.INDETERMINATE, "noise_implausible"
    if m_wave is None or m_wave.presence is not Presence.PRESENT:
        return Presence.INDETERMINATE, "no_m_wave"
    sharp = score_sharp(otherwise, settings.search_window_ms) / discount(prepared.noise)
    if p_value(sharp) <= _BORDERLINE * settings.alpha:
        return Presence.INDETERMINATE, "sharp_phases"
    if of_all.varies:
        # Noise was raised, or sweeps left out, where they differ: a response of a few may lie there.
        steady = score_presence(of_all.model(steady=True), settings.search_window_ms)
        if p_value(steady.alone / discount(prepared.noise)) <= settings.alpha:
            return Presence.INDETERMINATE, "in_few_sweeps"
    return Presence.ABSENT, None


def _why_blind(limit: float, bare_limit: float, prepared: Prepared, removed: Removed, smallest: float) -> str:
    """What keeps a small response from being seen; `bare_limit` is what noise alone would let through."""
    n = prepared.emg_uv.shape[0]
    if "saturated" in prepared.reasons and prepared.used.mean() < 0.5:
        return "saturated"
    if bare_limit <= smallest:
        sizes = {
            "artifact_outlasts_window": removed.tail_uv,
            "crosstalk": max(removed.crosstalk_uv, removed.unexplained_direct_uv),
            "hum": removed.hum_in_average_uv,
        }
        return max(sizes, key=lambda reason: sizes[reason])
    if n < 20 and limit * np.sqrt(n / 20) <= smallest:
        return "too_few_sweeps"
    return "too_noisy"


def _warnings(
    rate_hz: float, prepared: Prepared, removed: Removed, *, is_measured: bool
) -> tuple[tuple[str, str], ...]:
    warnings = []
    if rate_hz < _COARSE_HZ * 0.999:
        warnings.append(
            ("coarse_rate", f"{rate_hz:.0f} Hz is coarse for latencies; 5000 Hz or more is advised")
        )
    if removed.burst_inflation > 2 or removed.n_apart:
        message = "activity that varies from sweep to sweep lies in the search window and weakens the test"
        if removed.n_apart:
            message += f"; {_sweeps(removed.n_apart)} left out of the average"
        warnings.append(("bursts", message))
    if is_measured and _is_clipped(prepared):
        message = (
            "the response reaches the amplifier's limit in "
            f"{prepared.n_clipped} of {prepared.emg_uv.shape[0]} sweeps: "
            "its amplitude is a lower bound"
        )
        warnings.append(("clipped", message))
    if not prepared.before.any():
        message = f"no stretch before the stimulus; noise was told from {prepared.noise_from}"
        if not prepared.after.any():
            message += "; mains hum cannot be told from a response: export longer sweeps"
        warnings.append(("no_baseline", message))
    return tuple(warnings)


def _is_clipped(prepared: Prepared) -> bool:
    """Whether many sweeps reach the amplifier's limit where a response may be."""
    n_sweeps: int = prepared.emg_uv.shape[0]
    return prepared.n_clipped >= max(1, CLIPPED_SHARE * n_sweeps)


def _sweeps(n: int) -> str:
    return "1 sweep is" if n == 1 else f"{n} sweeps are"


def _of_rivals(alone: float, weighed: bool, found_by: _Weighed) -> str:
    """Say what else competed with the response, and whether it decided."""
    start = f"p = {alone:.2g} if nothing but a response could stand out; "
    if not weighed:
        return start + "what begins outside the window competes, no other rival was asked"
    beside, instead = (
        " and ".join(rival.name for rival in some) or "the usual nuisances"
        for some in (found_by.beside, found_by.instead)
    )
    return start + f"likeliest beside a response: {beside}; without one: {instead}"


def _evidence(
    prepared: Prepared,
    removed: Removed,
    score: float,
    p: float,
    rivals: str,
    settings: DetectionSettings,
    limit: float,
    m_wave: MWave | None,
) -> tuple[tuple[str, str], ...]:
    """The chain from sweeps to verdict, in words."""
    noise, hum = prepared.noise, prepared.hum
    low, high = settings.search_window_ms
    steps = [
        ("sweeps", f"{prepared.emg_uv.shape[0]} of {len(prepared.reasons)} used; muscle visible from "
                   f"{prepared.clear_ms:.1f} ms"),
        ("hum", "none found" if hum is None else
         f"{hum.frequency_hz:g} Hz and harmonics {list(hum.harmonics)}, peak {hum.amplitude_uv:.1f} uV, "
         "removed sweep by sweep"),
        ("noise", f"{noise.sweep_sd_uv:.1f} uV per sweep, {removed.noise_uv:.2f} uV in the average, "
                  f"told from {prepared.noise_from}; spikiness {noise.spikiness:.2f}"),
        ("artifact tail", f"up to {removed.tail_uv:.1f} uV allowed for"),
        ("crosstalk", f"up to {removed.crosstalk_uv:.1f} uV allowed for "
                      f"({100 * removed.crosstalk_share:.1f} % of the M wave), "
                      f"{removed.unexplained_direct_uv:.1f} uV unexplained before {DIRECT_UNTIL_MS} ms"),
        ("bursts", f"noise in the window up to {removed.burst_inflation:.1f} times that elsewhere" +
                   (f"; {_sweeps(removed.n_apart)} left out of the average: what they hold the others do not"
                    if removed.n_apart else "")),
        ("statistic", f"log Bayes factor {score * discount(noise):.1f} for an onset in {low:g}-{high:g} ms"),
        ("rivals", rivals),
        ("null", f"p = {p:.2g} against alpha = {settings.alpha:g}"),
        ("detection limit", f"{limit:.1f} uV peak to peak with power {settings.power:g}; "
                            f"smallest response asked for: {settings.smallest_response_uv:g} uV"),
        ("M wave", "no direct muscle recorded" if m_wave is None else
         f"not found; the direct muscle answers from {m_wave.late_onset_ms:.1f} ms on"
         if m_wave.late_onset_ms is not None else
         "not found" if m_wave.amplitude_uv is None else
         f"{m_wave.amplitude_uv:.0f} uV from {m_wave.onset_latency_ms:.1f} ms"),
    ]  # fmt: skip
    return tuple(steps)


def _assemble(
    *,
    presence: Presence,
    reason: str | None,
    reasons: tuple[str | None, ...],
    begins_late: bool = False,
    p: float | None = None,
    score: float | None = None,
    limit: float | None = None,
    m_wave: MWave | None = None,
    late: LateResponse | None = None,
    measured: _Measured | None = None,
    prepared: Prepared | None = None,
    average: tuple[np.ndarray, np.ndarray] | None = None,
    warnings: tuple[tuple[str, str], ...] = (),
    evidence: tuple[tuple[str, str], ...] = (),
    whitened: Whitened | None = None,
) -> Detection:
    onset = measured.onset_ms if measured else None
    size = measured.size if measured else None
    persistence = measured.persistence if measured else None
    rejected = Counter(why for why in reasons if why)
    return Detection(
        presence=presence,
        reason=reason,
        p_value=p,
        score=-np.inf if score is None else score,
        onset_latency_ms=onset,
        onset_latency_ci_ms=measured.onset_interval_ms if measured else None,
        peak_latency_ms=size.peak_latency_ms if size else None,
        amplitude_uv=size.amplitude_uv if size else None,
        amplitude_ci_uv=widen_interval(size, persistence.size) if size and persistence else None,
        baseline_to_peak_uv=size.baseline_to_peak_uv if size else None,
        area_uv_ms=size.area_uv_ms if size else None,
        duration_ms=size.duration_ms if size else None,
        n_phases=size.n_phases if size else None,
        morphology=size.morphology if size else None,
        persistence=persistence.share if persistence else None,
        persistence_ci=persistence.interval if persistence else None,
        latency_jitter_ms=persistence.jitter_ms if persistence else None,
        n_stimuli_used=len(reasons) - rejected.total(),
        n_stimuli_rejected=rejected.total(),
        rejected=dict(sorted(rejected.items())),
        noise_uv=prepared.noise.sweep_sd_uv if prepared else None,
        detection_limit_uv=limit,
        m_wave=m_wave,
        late_response=late,
        begins_late=begins_late,
        sweeps=_sweep_findings(reasons, measured),
        warnings=warnings,
        evidence=(
            *evidence,
            ("verdict", presence.value if reason is None else f"{presence.value}: {reason}"),
        ),
        time_ms=average[0] if average else None,
        average_uv=average[1] if average else None,
        whitened=whitened,
    )


def _sweep_findings(reasons: tuple[str | None, ...], measured: _Measured | None) -> tuple[SweepFinding, ...]:
    judged = measured if measured and measured.persistence.judged else None
    findings, row = [], 0
    for reason in reasons:
        present = latency = amplitude = None
        if reason is None:
            if judged:
                each = judged.persistence
                present = bool(each.present[row])
                latency = judged.onset_ms + float(each.shift_ms[row]) if present else None
                amplitude = judged.size.amplitude_uv * float(each.size[row]) if present else None
            row += 1
        findings.append(
            SweepFinding(
                used=reason is None,
                reason=reason,
                present=present,
                latency_ms=latency,
                amplitude_uv=amplitude,
            )
        )
    return tuple(findings)
