"""Which sweeps can be used, and what do they look like once hum and spike are out and noise is known?

Conventions
-----------
Rows are sweeps, columns samples; time is milliseconds from the stimulus, EMG microvolts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lsr.cleaning.artifact import bridge, find_blanked, find_clear_ms, find_saturated, find_swung_ms
from lsr.cleaning.filters import decimate
from lsr.cleaning.mains import Hum, find_hum
from lsr.detection.noise import (
    SWEEPS_TELL_BURSTS,
    Noise,
    estimate_noise,
    median_energy,
    remove_drift,
)
from lsr.errors import SweepsError
from lsr.medians import median

ANALYSIS_HZ = 5_000.0  # a response's energy lies below 3 kHz; faster sweeps are lowered to this
_RESPONSE_LASTS_MS = 12.0  # after the latest onset
_QUIET_MS = 10.0  # shortest stretch that tells the noise
_QUIETER = 0.15  # of the stretches of single sweeps that hold response and all
_LATE_MS = 40.0
EARLIEST_MS = 1.5  # what comes before is the stimulus, whatever it looks like
_SEEN_BEFORE_MS = 0.5  # the search window, a sweep has to show muscle
_STIMULUS_MS = 1.0  # before this nothing of the stimulus is seen
_SHARP, _FEWEST_BENDS = 20.0, 20  # times the median bend of an average; samples that tell the median
_CLIPPED_MS = 0.3  # at the amplifier's limit: less is the top of a wave in coarse steps
CLIPPED_SHARE = 0.25  # of the sweeps: a mean response is smaller for it, or not to be seen
_SEVERAL = 4  # sweeps: what they share can be told from what they do not
_LOUDER = 4.0  # times the energy before the stimulus: what follows the response is activity of its own
_NO_LOUDER = 1.05  # with hum in both: less is not looked at closely


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Sweeps of a block, ready to be judged."""

    time_ms: np.ndarray  # (n_samples,), at the analysis rate
    emg_uv: np.ndarray  # (n_used, n_samples): hum removed, spike bridged
    reasons: tuple[str | None, ...]  # per sweep given: why it is left out, None where used
    clear_ms: float  # from here on muscle can be seen
    search_ms: tuple[float, float]  # where an onset may lie
    end_ms: float  # the last time at which a response is looked at
    before: np.ndarray  # (n_samples,) bool: the stretch before the stimulus, where long enough
    after: np.ndarray  # (n_samples,) bool: the stretch after the response
    hum: Hum | None
    noise: Noise
    noise_from: str  # which stretches told the noise
    n_clipped: int  # sweeps used in which what is looked at reaches the amplifier's limit

    @property
    def used(self) -> np.ndarray:
        """Which of the sweeps given are used."""
        return np.array([reason is None for reason in self.reasons])

    @property
    def step_ms(self) -> float:
        """Sampling interval at the analysis rate."""
        return round(float(self.time_ms[-1] - self.time_ms[0]) / (self.time_ms.size - 1), 9)


def check_sweeps(emg_uv: np.ndarray, time_ms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sweeps as a float matrix with a time axis that fits.

    Raises
    ------
    SweepsError
        No numbers, wrong shapes, or a time axis that does not rise evenly.
    """
    emg = np.atleast_2d(_as_numbers("emg_uv", emg_uv))
    time = _as_numbers("time_ms", time_ms)
    if time.ndim != 1 or time.size < 16:
        raise SweepsError(f"time_ms: needs one axis of at least 16 samples, found shape {time.shape}")
    if emg.ndim != 2 or emg.shape[1] != time.size or emg.shape[0] == 0:
        raise SweepsError(
            f"emg_uv: needs shape (n_sweeps, {time.size}) to fit time_ms, found {emg.shape}; "
            "give one row per sweep"
        )
    steps = np.diff(time)
    step = float(np.median(steps))
    if not np.isfinite(time).all() or step <= 0 or np.abs(steps - step).max() > 0.02 * step:
        raise SweepsError("time_ms: must rise evenly; resample the sweeps, or cut them from one rate")
    return emg, time


def _as_numbers(name: str, values: np.ndarray) -> np.ndarray:
    try:
        if not np.iscomplexobj(values):
            return np.asarray(values, float)
    except (TypeError, ValueError):
        pass
    found = getattr(values, "dtype", type(values).__name__)
    raise SweepsError(f"{name}: needs an array of real numbers, found {found}; convert it to floats")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """Sweeps at the analysis rate without spike, level and hum."""

    time_ms: np.ndarray  # (n_samples,)
    emg_uv: np.ndarray  # (n_sweeps, n_samples)
    end_ms: float
    before: np.ndarray  # (n_samples,) bool, as in `Prepared`
    after: np.ndarray
    hum: Hum | None


def clean(
    emg_uv: np.ndarray,
    time_ms: np.ndarray,
    *,
    start_ms: float,
    search_ms: tuple[float, float],
    mains_hz: float | None,
) -> Cleaned:
    """Bridge the spike until `start_ms`, lower the rate, take out level and hum."""
    bridged = bridge(emg_uv, time_ms, until_ms=start_ms - 0.3)
    emg, time = decimate(bridged, time_ms, highest_hz=ANALYSIS_HZ)
    end_ms = min(search_ms[1] + _RESPONSE_LASTS_MS, float(time[-1]))
    before, after = time < -_STIMULUS_MS, (time > end_ms) & (time < end_ms + _LATE_MS)
    before &= time < _earlier_pulse_ms(emg, time, before) - _STIMULUS_MS
    later = time > max(end_ms, 22.0)
    step_ms = time[1] - time[0]
    searched = (time >= search_ms[0]) & (time <= search_ms[1])
    if _answers_late(emg, time, before, searched, after, mains_hz=mains_hz):
        after, later = np.zeros((2, time.size), bool)
    quiet = before | later
    before &= before.sum() * step_ms >= _QUIET_MS
    after &= after.sum() * step_ms >= _QUIET_MS
    if before.any():
        emg = emg - emg[:, before].mean(axis=1, keepdims=True)
    hum = find_hum(emg, time, quiet, mains_hz=mains_hz)
    if hum is not None:
        emg = emg - hum.hum_uv
    return Cleaned(time_ms=time, emg_uv=emg, end_ms=end_ms, before=before, after=after, hum=hum)


def _answers_late(
    emg_uv: np.ndarray,
    time_ms: np.ndarray,
    before: np.ndarray,
    searched: np.ndarray,
    after: np.ndarray,
    *,
    mains_hz: float | None,
) -> bool:
    """Whether the muscle is active after the response, but not before the stimulus, nor where it is searched.

    A late response or afterdischarge that varies tells nothing of the noise there, and hides the hum. Hum
    that the stretch before the stimulus tells is no activity, nor is that a response of one shape varies in
    size and latency. Few sweeps do not tell whether the activity of some began in the window.
    """
    if emg_uv.shape[0] < SWEEPS_TELL_BURSTS or not (before.any() and after.any()):
        return False
    rest = emg_uv - median(emg_uv, 0)
    if median_energy(rest[:, after]) < _NO_LOUDER * median_energy(rest[:, before]):
        return False
    hum = find_hum(emg_uv, time_ms, before, mains_hz=mains_hz)
    emg = emg_uv if hum is None else emg_uv - hum.hum_uv
    shared = median(emg, 0)
    rest = emg - shared
    response = np.linalg.qr(remove_drift(np.stack([shared, np.gradient(shared)])[:, searched]).T)[0]
    inside = remove_drift(rest[:, searched])
    inside -= (inside @ response) @ response.T  # free of drift, so nothing more is left out
    quiet, within, later = (
        median_energy(rest[:, before]),
        median_energy(inside),
        median_energy(rest[:, after]),
    )
    return quiet * later > _LOUDER * max(within, quiet) ** 2


def _earlier_pulse_ms(emg_uv: np.ndarray, time_ms: np.ndarray, before: np.ndarray) -> float:
    """When another pulse was given before the stimulus: the first sharp bend that the sweeps share there."""
    if emg_uv.shape[0] < _SEVERAL or before.sum() < _FEWEST_BENDS:
        return np.inf
    bends = np.abs(np.diff(emg_uv[:, before].mean(axis=0), 2))
    usual = float(median(bends))
    sharp = np.flatnonzero(bends > _SHARP * usual)
    # Where the converter's steps hide the noise, most bends are none, and any would be sharp.
    return float(time_ms[before][sharp[0]]) if usual > 0 and sharp.size else np.inf


def prepare(
    emg_uv: np.ndarray,
    time_ms: np.ndarray,
    *,
    search_ms: tuple[float, float],
    mains_hz: float | None,
) -> Prepared | tuple[str | None, ...]:
    """Clean the sweeps and measure their noise.

    Parameters
    ----------
    emg_uv, time_ms : np.ndarray, shapes (n_sweeps, n_samples) and (n_samples,)
    search_ms : tuple of float
        Where an onset may lie.
    mains_hz : float | None
        None: 50 or 60, whichever is there.

    Returns
    -------
    Prepared, or only the reasons per sweep where none can be used
    """
    clear_ms = clear_times_ms(emg_uv, time_ms, search_ms)
    reasons = _reasons(emg_uv, time_ms, clear_ms, search_ms)
    used = np.array([reason is None for reason in reasons])
    if not used.any():
        return reasons
    start_ms = max(float(clear_ms[used].max()), EARLIEST_MS)
    found = clean(emg_uv[used], time_ms, start_ms=start_ms, search_ms=search_ms, mains_hz=mains_hz)
    stretches, noise_from = _noise_stretches(found, start_ms)
    return Prepared(
        time_ms=found.time_ms,
        emg_uv=found.emg_uv,
        reasons=reasons,
        clear_ms=start_ms,
        search_ms=search_ms,
        end_ms=found.end_ms,
        before=found.before,
        after=found.after,
        hum=found.hum,
        noise=estimate_noise(
            stretches,
            step_ms=float(found.time_ms[1] - found.time_ms[0]),
            n_fitted=0 if found.hum is None else 2 * len(found.hum.harmonics),
        ),
        noise_from=noise_from,
        n_clipped=count_clipped(emg_uv[used], time_ms, search_ms[0], search_ms[1] + _RESPONSE_LASTS_MS),
    )


def clear_times_ms(
    emg_uv: np.ndarray, time_ms: np.ndarray, search_ms: tuple[float, float], *, blanked: bool = True
) -> np.ndarray:
    """When each sweep first shows muscle, (n_sweeps,); `blanked` False: blanked samples count as seen."""
    looked_at = time_ms <= search_ms[1] + _RESPONSE_LASTS_MS
    saturated = find_saturated(emg_uv)[:, looked_at]
    emg, time = emg_uv[:, looked_at], time_ms[looked_at]
    hidden = saturated | find_blanked(emg, time) if blanked else saturated
    clear_ms = find_clear_ms(hidden, time)
    return find_swung_ms(emg, time, saturated, clear_ms, seen_from_ms=search_ms[0] - _SEEN_BEFORE_MS)


def count_clipped(emg_uv: np.ndarray, time_ms: np.ndarray, from_ms: float, to_ms: float) -> int:
    """How many raw sweeps lie at the amplifier's limit for a while between two times."""
    looked_at = (time_ms > from_ms) & (time_ms <= to_ms)
    at_limit = find_saturated(emg_uv)[:, looked_at].sum(axis=1)
    return int((at_limit * (time_ms[1] - time_ms[0]) >= _CLIPPED_MS * 0.99).sum())


def _reasons(
    emg_uv: np.ndarray, time_ms: np.ndarray, clear_ms: np.ndarray, search_ms: tuple[float, float]
) -> tuple[str | None, ...]:
    reasons: list[str | None] = []
    late = clear_ms > search_ms[0] - _SEEN_BEFORE_MS
    saturated = late
    if late.any():
        saturated = clear_times_ms(emg_uv, time_ms, search_ms, blanked=False) > search_ms[0] - _SEEN_BEFORE_MS
    missing = ~np.isfinite(emg_uv).all(axis=1)
    flat = np.ptp(emg_uv, axis=1) == 0
    repeated = _repeated(emg_uv)
    for is_missing, is_flat, is_repeated, is_late, is_saturated in zip(
        missing, flat, repeated, late, saturated, strict=True
    ):
        if is_missing:
            reasons.append("missing_samples")
        elif is_flat:
            reasons.append("flat")
        elif is_saturated:
            reasons.append("saturated")
        elif is_late:
            reasons.append("blanked")
        elif is_repeated:
            reasons.append("repeated")
        else:
            reasons.append(None)
    return tuple(reasons)


def _repeated(emg_uv: np.ndarray) -> np.ndarray:
    """Sweeps that are copies of one before, (n_sweeps,): they tell nothing that it does not."""
    seen: set[bytes] = set()
    repeated = np.zeros(emg_uv.shape[0], bool)
    for row, sweep in enumerate(emg_uv):
        content = sweep.tobytes()
        repeated[row] = content in seen
        seen.add(content)
    return repeated


def _noise_stretches(found: Cleaned, start_ms: float) -> tuple[list[np.ndarray], str]:
    """Stretches without response, what all sweeps share taken out where there are enough to tell.

    Drift is taken out only where a tail could hide in it: in a short stretch it looks like slow noise, and
    slow noise that is missed makes responses of it.
    """
    emg_uv, time_ms, before, after = found.emg_uv, found.time_ms, found.before, found.after
    several = emg_uv.shape[0] >= _SEVERAL
    stretches, names = [], []
    if before.any():
        stretches.append(emg_uv[:, before])
        names.append("before the stimulus")
    if after.any():
        late = emg_uv[:, after]
        stretches.append(late - median(late, 0) if several and before.any() else remove_drift(late))
        names.append(f"after {time_ms[after][0]:.0f} ms")
    if not stretches and several:
        stretches.append(remove_drift((emg_uv - np.mean(emg_uv, axis=0))[:, time_ms > start_ms]))
        names.append("the sweeps' differences from their average")
    elif not stretches:
        stretches.append(_quietest(emg_uv[:, time_ms > start_ms], float(time_ms[1] - time_ms[0])))
        names.append(f"quiet {_QUIET_MS:g} ms of the sweep itself")
    return stretches, " and ".join(names)


def _quietest(emg_uv: np.ndarray, step_ms: float) -> np.ndarray:
    """Of all stretches one of the quietest, drift taken out: a response fills only part of a sweep.

    The very quietest would tell less noise than there is.
    """
    width = min(emg_uv.shape[1], round(_QUIET_MS / step_ms))
    firsts = range(0, emg_uv.shape[1] - width + 1, max(1, width // 8))
    found = [remove_drift(emg_uv[:, first : first + width]) for first in firsts]
    found.sort(key=lambda stretch: float((stretch**2).mean()))
    return found[round(_QUIETER * (len(found) - 1))]
