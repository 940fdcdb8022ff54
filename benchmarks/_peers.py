"""What do other detectors make of the same sweeps?

Conventions
-----------
Each peer gets what its user would give it: sweeps blanked from -0.5 to 3 ms (a straight line), then
high-passed at 20 Hz without delay, then averaged; rest is the stretch before the stimulus, or the end of
the sweep where there is none. An onset counts from 5.5 to 14 ms, as `lsr.detect` has it. A peer that
gives no number that grows with its certainty has a score of None.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SEARCH_MS = (5.5, 14.0)
_BLANK_MS = (-0.5, 3.0)
_HIGH_PASS_HZ = 20.0
_VIEW_ENDS_MS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a peer says of a block."""

    present: bool
    score: float | None
    onset_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A detector to compare with."""

    name: str
    package: str | None  # the module it needs; None: a few lines of its own here
    judge: Callable[[Block], Verdict]

    @property
    def installed(self) -> bool:
        """Whether its package can be imported."""
        return self.package is None or importlib.util.find_spec(self.package) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Sweeps as a peer's user would prepare them."""

    sweeps_uv: np.ndarray  # (n_sweeps, n_samples)
    average_uv: np.ndarray  # (n_samples,)
    time_ms: np.ndarray
    rest: np.ndarray  # (n_samples,) bool
    rate_hz: float

    @property
    def view(self) -> np.ndarray:
        """Where a response can be seen, (n_samples,) bool."""
        return (self.time_ms >= _BLANK_MS[1]) & (self.time_ms <= _VIEW_ENDS_MS)

    def samples(self, milliseconds: float) -> int:
        """Length in samples, at least 1."""
        return max(1, round(milliseconds * self.rate_hz / 1000.0))

    def slower(self, highest_hz: float) -> Block:
        """The same block at `highest_hz` or a little above, for peers that take their time."""
        factor = int(self.rate_hz // highest_hz)
        if factor < 2:
            return self
        from scipy.signal import decimate

        sweeps = decimate(self.sweeps_uv, factor, axis=1, zero_phase=True)
        return Block(
            sweeps_uv=sweeps,
            average_uv=sweeps.mean(axis=0),
            time_ms=self.time_ms[::factor],
            rest=self.rest[::factor],
            rate_hz=self.rate_hz / factor,
        )


def prepare(emg_uv: np.ndarray, time_ms: np.ndarray) -> Block:
    """Blank the artifact, take the drift out, average."""
    from scipy.signal import butter, sosfiltfilt

    rate_hz = 1000.0 / float(time_ms[1] - time_ms[0])
    blank = np.flatnonzero((time_ms >= _BLANK_MS[0]) & (time_ms <= _BLANK_MS[1]))
    sweeps = emg_uv.copy()
    right = sweeps[:, blank[-1] + 1]
    left = sweeps[:, blank[0] - 1] if blank[0] > 0 else right
    sweeps[:, blank] = np.linspace(left, right, blank.size, axis=1)
    sweeps -= np.median(sweeps, axis=1, keepdims=True)
    high_pass = butter(2, _HIGH_PASS_HZ, "highpass", fs=rate_hz, output="sos")
    sweeps = sosfiltfilt(high_pass, sweeps, axis=1)
    rest = time_ms < -1.0
    if not rest.any():
        rest = time_ms > time_ms[-1] - 12.0
    return Block(
        sweeps_uv=sweeps, average_uv=sweeps.mean(axis=0), time_ms=time_ms, rest=rest, rate_hz=rate_hz
    )


def _first_onset(block: Block, starts: np.ndarray) -> float | None:
    """First of the sample indices that lies in the search window."""
    times = block.time_ms[np.asarray(starts, int)]
    inside = times[(times >= SEARCH_MS[0]) & (times <= SEARCH_MS[1])]
    return float(inside[0]) if inside.size else None


def _verdict(onset_ms: float | None, score: float | None = None) -> Verdict:
    return Verdict(present=onset_ms is not None, score=score, onset_ms=onset_ms)


def _runs(above: np.ndarray, shortest: int) -> np.ndarray:
    """Indices where runs of at least `shortest` samples start."""
    edges = np.diff(np.concatenate([[0], above.astype(int), [0]]))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return starts[stops - starts >= shortest]


def _threshold(block: Block, curve: np.ndarray, n_deviations: float) -> Verdict:
    """First half millisecond of a rectified curve above mean + k SD of rest."""
    mean, deviation = curve[block.rest].mean(), curve[block.rest].std() + 1e-12
    seen = block.view & (block.time_ms >= SEARCH_MS[0])
    above = (curve > mean + n_deviations * deviation) & seen
    score = float((curve[seen].max() - mean) / deviation)
    return _verdict(_first_onset(block, _runs(above, block.samples(0.5))), score)


def mean_plus_deviations(block: Block) -> Verdict:
    """Rectified average above mean + 5 SD of rest for half a millisecond, smoothed over as much."""
    width = block.samples(0.5)
    return _threshold(block, np.convolve(np.abs(block.average_uv), np.ones(width) / width, "same"), 5.0)


def teager_kaiser(block: Block) -> Verdict:
    """Teager-Kaiser energy above mean + 7 SD of rest (Solnik 2010)."""
    wave = block.average_uv
    energy = np.zeros_like(wave)
    energy[1:-1] = wave[1:-1] ** 2 - wave[2:] * wave[:-2]
    width = block.samples(0.5)
    return _threshold(block, np.convolve(np.abs(energy), np.ones(width) / width, "same"), 7.0)


def aglr(block: Block) -> Verdict:
    """Approximated generalised likelihood ratio (Staude 1999): whiten, sliding test for more variance."""
    from scipy.linalg import solve_toeplitz
    from scipy.signal import lfilter
    from scipy.stats import chi2

    rest = block.average_uv[block.rest] - block.average_uv[block.rest].mean()
    order = min(6, rest.size // 8)
    covariance = np.array([rest[lag:] @ rest[: rest.size - lag] for lag in range(order + 1)]) / rest.size
    covariance[0] = covariance[0] * 1.0001 + 1e-12
    predictor = np.concatenate([[1.0], -solve_toeplitz(covariance[:-1], covariance[1:])])
    white = lfilter(predictor, 1.0, block.average_uv)
    variance = max(float(white[block.rest].var()), 1e-12)
    seen = np.flatnonzero(block.view)
    power = np.concatenate([[0.0], np.cumsum(white[seen] ** 2 / variance)])
    width = block.samples(3.0)
    ratio = np.maximum((power[width:] - power[:-width]) / width, 1.0)
    test = width / 2 * (ratio - np.log(ratio) - 1.0)
    verdict = Verdict(present=False, score=0.0, onset_ms=None)
    for alarm in _runs(test > chi2.isf(0.001, 1) + 0.05 * width, 1):
        # each alarm is a new start: the most likely time of change around it
        stop = min(int(alarm) + width, seen.size)
        start = max(0, int(alarm) - width)
        lengths = stop - np.arange(start, stop - block.samples(0.3))
        mean_power = np.maximum((power[stop] - power[start : start + lengths.size]) / lengths, 1.0)
        change = start + int(np.argmax(lengths * (mean_power - np.log(mean_power) - 1.0)))
        onset = _first_onset(block, seen[[change]])
        if onset is not None and verdict.onset_ms is None:
            verdict = _verdict(onset, float(test[alarm : alarm + 2 * width].max()))
    return verdict


def aic_picker(block: Block) -> Verdict:
    """Akaike picker (obspy), asked where the average exceeds 5 SD of rest."""
    from obspy.signal.trigger import aic_simple

    wave, seen = block.average_uv, block.view & (block.time_ms >= SEARCH_MS[0])
    score = float(np.abs(wave[seen]).max() / (wave[block.rest].std() + 1e-12))
    if score < 5.0:
        return Verdict(present=False, score=score, onset_ms=None)
    first = int(np.flatnonzero(block.time_ms >= 4.0)[0])
    peak = int(np.flatnonzero(seen)[np.abs(wave[seen]).argmax()])
    part = wave[first : peak + 1]
    if part.size < 8:
        return Verdict(present=False, score=score, onset_ms=None)
    curve = aic_simple(part)
    pick = first + 2 + int(np.argmin(curve[2:-2]))
    return _verdict(_first_onset(block, np.array([pick])), score)


def bonato(block: Block) -> Verdict:
    """Double threshold (BioSPPy) on the average after the artifact."""
    from biosppy.signals import emg

    seen = np.flatnonzero(block.view)
    found = emg.bonato_onset_detector(
        signal=block.average_uv[seen],
        rest=block.average_uv[block.rest],
        sampling_rate=block.rate_hz,
        threshold=9.2,  # chi-square with 2 degrees of freedom at 0.01
        active_state_duration=max(2, block.samples(0.5)),
        samples_above_fail=2,
        fail_size=2,
    )["onsets"]
    starts = seen[np.clip(np.asarray(found, int)[::2], 0, seen.size - 1)]
    return _verdict(_first_onset(block, starts))


def hodges_bui(block: Block) -> Verdict:
    """Moving average over 3 SD of rest (BioSPPy) on the average after the artifact."""
    from biosppy.signals import emg

    seen = np.flatnonzero(block.view)
    rest = np.abs(block.average_uv[block.rest])
    found = emg.hodges_bui_onset_detector(
        signal=block.average_uv[seen],
        rest={"mean": rest.mean(), "std_dev": rest.std()},
        sampling_rate=block.rate_hz,
        size=block.samples(1.0),
        threshold=3.0,
    )
    score = float(np.max(found["processed"]))
    starts = seen[np.clip(np.asarray(found["onsets"], int), 0, seen.size - 1)]
    return _verdict(_first_onset(block, starts), score)


def mixture(block: Block) -> Verdict:
    """Two-class mixture of amplitudes (NeuroKit2) of the rectified average, smoothed over 1 ms."""
    import neurokit2

    slow = block.slower(5_000.0)
    window = slow.rest | slow.view
    width = slow.samples(1.0)
    amplitude = np.convolve(np.abs(slow.average_uv), np.ones(width) / width, "same")
    _, info = neurokit2.emg_activation(
        emg_amplitude=amplitude[window],
        sampling_rate=slow.rate_hz,
        method="mixture",
        duration_min=slow.samples(1.0),
    )
    at = np.flatnonzero(window)
    starts = np.asarray(info["EMG_Onsets"], float)
    return _verdict(_first_onset(slow, at[starts[np.isfinite(starts)].astype(int)]))


def change_points(block: Block) -> Verdict:
    """Changes of mean and variance (ruptures, PELT, penalty of a Bayesian information criterion)."""
    import ruptures

    slow = block.slower(5_000.0)
    at = np.flatnonzero(slow.view)
    wave = slow.average_uv[at] / (slow.average_uv[slow.rest].std() + 1e-12)
    search = ruptures.Pelt(model="normal", min_size=slow.samples(1.0), jump=2).fit(wave[:, None])
    changes = search.predict(pen=3.0 * np.log(wave.size))[:-1]
    rises = [
        change
        for before, change, after in zip([0, *changes], changes, [*changes[1:], wave.size], strict=False)
        if wave[change:after].var() > wave[before:change].var()
    ]
    return _verdict(_first_onset(slow, at[np.array(rises, int)]))


def cluster_permutation(block: Block) -> Verdict:
    """Sign-flip clusters over sweeps (mne), from six sweeps; the first significant one."""
    if block.sweeps_uv.shape[0] < 6:
        return Verdict(present=False, score=0.0, onset_ms=None)
    from mne.stats import permutation_cluster_1samp_test

    slow = block.slower(5_000.0)
    at = np.flatnonzero((slow.time_ms >= SEARCH_MS[0]) & (slow.time_ms <= _VIEW_ENDS_MS))
    _, clusters, p_values, _ = permutation_cluster_1samp_test(
        slow.sweeps_uv[:, at], n_permutations=200, out_type="indices", rng=0, verbose="error"
    )
    score = float(-np.log(min(p_values, default=1.0)))
    starts = sorted(int(cluster[0][0]) for cluster, p in zip(clusters, p_values, strict=True) if p <= 0.01)
    return _verdict(_first_onset(slow, at[np.array(starts, int)]), score)


PEERS = (
    Peer(name="AGLR (Staude)", package=None, judge=aglr),
    Peer(name="mean + 5 SD", package=None, judge=mean_plus_deviations),
    Peer(name="TKEO > 7 SD", package=None, judge=teager_kaiser),
    Peer(name="AIC picker (obspy)", package="obspy", judge=aic_picker),
    Peer(name="mne cluster permutation", package="mne", judge=cluster_permutation),
    Peer(name="BioSPPy bonato", package="biosppy", judge=bonato),
    Peer(name="BioSPPy hodges_bui", package="biosppy", judge=hodges_bui),
    Peer(name="NeuroKit2 mixture", package="neurokit2", judge=mixture),
    Peer(name="ruptures PELT", package="ruptures", judge=change_points),
)


def judge(peer: Peer, block: Block) -> Verdict:
    """Ask a peer; one that fails on a block has not found anything there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return peer.judge(block)
        except (ValueError, IndexError, KeyError, ZeroDivisionError, FloatingPointError):
            return Verdict(present=False, score=None, onset_ms=None)
