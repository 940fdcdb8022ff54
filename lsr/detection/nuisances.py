"""What else than a response may the average of a block hold, and how large may it be?

Conventions
-----------
Time is milliseconds from the stimulus, EMG microvolts. Every nuisance is a set of columns times the
standard deviation that it may have. Sizes come from where no response can be: the direct zone, and the
stretches before and after.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from lsr.cleaning.artifact import ring_columns, swing_columns, tail_columns
from lsr.cleaning.crosstalk import copy_columns, dispersed_columns
from lsr.detection.average_hum import find_average_hum
from lsr.detection.evidence import Model, log_evidence
from lsr.detection.noise import Noise
from lsr.detection.prepare import Prepared

_DIRECT_ZONE_ENDS_MS = (6.0, 9.0)  # where half of a late M wave is over, between these
_OVER_MS = 8.0  # after the latest onset most responses are over
_TAIL_MISFIT = 0.005  # share of a fitted tail that sums of exponentials may leave
_FINEST_SHARE = 0.0005  # of a response: finer than this no model of noise and nuisances is
_COPY_MISFIT = 0.06  # share of a fitted copy that is not linear
_COPY_JITTER_MS = 0.06
_BEGUN = 1.5  # of what the direct zone leaves unexplained: as much may follow it
_TAIL_SIZES = (0.3, 2.0, 10.0)
_RING_SIZES = (0.01, 0.1, 1.0)
_N_DRIFT = 2
_RIVAL_COST = 6.0  # log odds against a tail that swings, and against a dispersed copy
_SWING_SIZES = (0.3, 2.0)  # of the first samples
_DISPERSED_SIZE = 0.01  # of the M wave
_RIVAL_COPY, _RIVAL_BUMP = 0.05, 0.3  # of the M wave, of the largest value in the direct zone
_COPY_SIZES = (5e-4, 0.002, 0.01, 0.05, 0.2)  # of the M wave; the first where the direct zone asks for none
_MIN_SWEEPS_FOR_BURSTS = 5
_NOTABLE_INFLATION = 1.1
_MANY_SWEEPS, _CLEARLY_ALIKE, _MANY_SHARE = 10, 0.3, 0.35
_AGREEMENT = 3.1  # deviations of the sign test: 1 in 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What the nuisances took out of the average, for the evidence chain (microvolts)."""

    tail_uv: float
    crosstalk_uv: float
    crosstalk_share: float  # of the M wave
    unexplained_direct_uv: float
    largest_uv: float  # what is left where a response may be
    hum_in_average_uv: float = 0.0
    burst_inflation: float = 1.0  # largest ratio of noise in the response window to noise elsewhere


@dataclass(frozen=True, slots=True)
class _Shapes:
    """Columns side by side, seen where no response can be: whitened products there."""

    columns: np.ndarray  # (n_samples, n_columns): of unit size
    kind: np.ndarray  # (n_columns,) of str
    gram: np.ndarray  # (n_columns, n_columns)
    moment: np.ndarray  # (n_columns,)
    energy: float

    @classmethod
    def seen(
        cls, parts: dict[str, np.ndarray], data_uv: np.ndarray, root: np.ndarray, free: np.ndarray
    ) -> _Shapes:
        columns = np.concatenate(list(parts.values()), axis=1)
        kind = np.repeat(list(parts), [part.shape[1] for part in parts.values()])
        white, target = root[free] @ columns, root[free] @ data_uv
        return cls(columns, kind, white.T @ white, white.T @ target, float(target @ target))

    def sizes(self, **deviations: float) -> np.ndarray:
        """Prior deviation of every column; 0 for kinds that are not named."""
        return np.array([deviations.get(kind, 0.0) for kind in self.kind])

    def log_evidence(self, sizes: np.ndarray) -> np.ndarray:
        """Of several choices of sizes, shape (n_tried, n_columns)."""
        some = (sizes > 0).any(axis=0)
        return log_evidence(self.gram[np.ix_(some, some)], self.moment[some], self.energy, sizes[:, some])

    def fit(self, sizes: np.ndarray) -> np.ndarray:
        """What each column adds to the data, given its prior deviation, shape (n_samples, n_columns)."""
        some = sizes > 0
        own = sizes[some]
        normal = own[:, None] * self.gram[np.ix_(some, some)] * own
        normal.flat[:: own.size + 1] += 1.0
        found = np.zeros(sizes.size)
        found[some] = own * np.linalg.solve(normal, own * self.moment[some])
        fitted: np.ndarray = self.columns * found
        return fitted


@dataclass(frozen=True, slots=True)
class Rival:
    """Something besides the usual nuisances that may pass for a response."""

    name: str
    columns: np.ndarray  # (n_samples, n_columns): times their prior deviation, microvolts
    cost: float  # log prior odds against it
    reason: str  # why no response can be told from it


@dataclass(frozen=True, slots=True)
class Nuisances:
    """The average of a block, its noise, and what else may be in it."""

    sweeps_uv: np.ndarray  # (n_sweeps, n_samples): where a response may be, hum removed
    steady: Model  # noise and nuisances, the inflation left out
    inflation: np.ndarray  # (n_samples,): of the noise, where the sweeps differ from each other
    columns: np.ndarray  # (n_samples, n_columns): times their prior deviation, microvolts; drift first
    rivals: tuple[Rival, ...]
    removed: Removed

    @property
    def varies(self) -> bool:
        """Whether the sweeps differ enough for the noise to be inflated anywhere."""
        return bool(self.inflation.max() > _NOTABLE_INFLATION)

    def bare(self) -> Model:
        """Noise and drift alone: what would be seen if there were no other nuisance."""
        return self._build(self.steady.noise_root, self.columns[:, :_N_DRIFT])

    def model(self, *rivals: Rival, steady: bool = False) -> Model:
        """Noise and nuisances, and rivals with them.

        `steady` leaves the inflation out: a response that varies in size does not blur its own start.
        """
        inflated = self.varies and not steady
        if not rivals and not inflated:
            return self.steady
        root = self.steady.noise_root
        if inflated:
            root = root / self.inflation[:, None]
        columns = [self.columns, *(rival.columns for rival in rivals)]
        return self._build(root, np.concatenate(columns, axis=1))

    def _build(self, noise_root: np.ndarray, columns: np.ndarray) -> Model:
        return Model.build(self.steady.time_ms, self.steady.average_uv, noise_root, columns)


def find_nuisances(prepared: Prepared, wave: np.ndarray | None) -> Nuisances:
    """What the average of the sweeps holds but a response.

    Parameters
    ----------
    prepared : Prepared
    wave : np.ndarray | None, shape (n_samples,)
        The direct muscle's M wave in the same sweeps, where there is one.
    """
    noise, time, deviation = prepared.noise, prepared.time_ms, prepared.noise.average_sd_uv
    window = (time >= prepared.clear_ms) & (time <= prepared.end_ms)
    at, average = time[window], noise.weights @ prepared.emg_uv
    longest = max(int(part.sum()) for part in (window, prepared.before, prepared.after))
    whitening = noise.whitening(longest)
    root = whitening[: at.size, : at.size] / deviation
    hum = find_average_hum(average, prepared, window, whitening)
    data = average[window] - hum.left_uv
    zone_ends_ms = _direct_zone_ends_ms(None if wave is None else wave[window], at)
    late = at > prepared.search_ms[1] + _OVER_MS
    early = at < max(zone_ends_ms, prepared.search_ms[0] - 0.5)
    free = early | late
    bumps = _narrow_bumps(float(at[0]), prepared.step_ms, at.size)
    parts = {
        "drift": np.stack([np.ones_like(at), (at - 10) / 10], axis=1),  # _N_DRIFT columns
        "tail": tail_columns(at),
        "ring": ring_columns(at),
        "hum": hum.columns,
    }
    dispersed = None
    if wave is None:
        parts["rival"] = _direct_bumps(at)
    else:
        parts["copy"] = copy_columns(wave, time, start_ms=prepared.clear_ms)[window]
        dispersed = dispersed_columns(wave, time, start_ms=prepared.clear_ms)[window]
    level_uv = _level_uv(data, average, prepared)
    for reached in (early & (at > prepared.search_ms[0]), late):
        if _holds_answer(parts, data, root, free, reached, level_uv):
            free = free & ~reached
    shapes = _Shapes.seen(parts, data, root, free)
    sizes = _choose_sizes(shapes, level_uv, at, data, deviation)
    allowed, removed = _misfit(shapes, sizes, at, data, free, deviation)
    kept = sizes > 0
    columns = np.concatenate([shapes.columns[:, kept] * sizes[kept], bumps * allowed[:, None]], axis=1)
    finest = float(np.hypot(1, _FINEST_SHARE * removed.largest_uv / deviation))
    steady = Model.build(at, data, root / finest, columns)
    sweeps_uv = prepared.emg_uv[:, window] - hum.left_uv
    inflation = _burst_inflation(sweeps_uv, noise, steady, zone_ends_ms)
    return Nuisances(
        sweeps_uv=sweeps_uv,
        steady=steady,
        inflation=inflation,
        columns=columns,
        rivals=_find_rivals(at, data, dispersed),
        removed=replace(
            removed,
            hum_in_average_uv=float(np.abs(hum.left_uv).max()),
            burst_inflation=float(inflation.max()),
        ),
    )


def _find_rivals(at: np.ndarray, data: np.ndarray, dispersed: np.ndarray | None) -> tuple[Rival, ...]:
    """What may pass for a response: swinging tails at a few sizes, and a dispersed copy of the M wave."""
    first = float(np.abs(data[at < at[0] + 1.2]).max())
    swings, cost = swing_columns(at), _RIVAL_COST + float(np.log(len(_SWING_SIZES)))
    rivals = [
        Rival("a tail that swings", swings * (size * first), cost, "artifact_outlasts_window")
        for size in _SWING_SIZES
    ]
    if dispersed is not None:
        rivals.append(
            Rival("a dispersed copy of the M wave", dispersed * _DISPERSED_SIZE, _RIVAL_COST, "crosstalk")
        )
    return tuple(rivals)


@lru_cache(maxsize=32)
def _narrow_bumps(first_ms: float, step_ms: float, n_samples: int) -> np.ndarray:
    """For what tails and copies leave unexplained."""
    at = first_ms + np.arange(n_samples) * step_ms
    centres = np.arange(at[0], min(16.0, at[-1]), 0.3)
    bumps: np.ndarray = np.exp(-0.5 * ((at[:, None] - centres) / 0.25) ** 2) / 1.2
    return bumps


def _level_uv(data: np.ndarray, average: np.ndarray, prepared: Prepared) -> float:
    """How far from zero the average may lie: as far as the stretches after allow."""
    deviation = prepared.noise.average_sd_uv
    if prepared.after.any() and prepared.before.any():
        return float(2 * deviation + abs(float(average[prepared.after].mean())))
    return float(np.abs(data).max()) + 10 * deviation


def _holds_answer(
    parts: dict[str, np.ndarray],
    data: np.ndarray,
    root: np.ndarray,
    free: np.ndarray,
    reached: np.ndarray,
    level_uv: float,
) -> bool:
    """Whether a response is in some of the samples that should tell what is none.

    There it may have any shape: every sample competes by itself with tails, copies and hum.
    """
    if not reached.any():
        return False
    answer = np.eye(data.size)[:, reached]
    shapes = _Shapes.seen(parts | {"answer": answer}, data, root, free)
    largest = float(np.abs(data).max())
    usual = {"drift": level_uv, "hum": 1.0, "copy": _RIVAL_COPY, "rival": largest, "ring": largest}

    def evidence(answer_uv: float) -> float:
        sizes = [shapes.sizes(**usual, answer=answer_uv, tail=size * largest) for size in _TAIL_SIZES]
        return float(shapes.log_evidence(np.array(sizes)).max())

    return evidence(float(np.abs(data[reached]).max())) > evidence(0.0)


def _choose_sizes(
    shapes: _Shapes, level_uv: float, at: np.ndarray, data: np.ndarray, deviation_uv: float
) -> np.ndarray:
    """Prior deviations of the columns: the most likely of a few, told where no response can be.

    Tails go in proportion to the first samples. There crosstalk competes: copies where the
    M wave is recorded, else bumps of any shape. Then the share of the M wave that crosstalk may reach.
    """
    first = float(np.abs(data[at < at[0] + 1.2]).max()) + deviation_uv
    direct = (at > at[0] + 0.5) & (at < _DIRECT_ZONE_ENDS_MS[1])
    largest = float(np.abs(data[direct]).max(initial=0.0))
    rivals = {"drift": level_uv, "copy": _RIVAL_COPY, "rival": _RIVAL_BUMP * largest}
    tails = [{"tail": size * first, "ring": ring * first} for size in _TAIL_SIZES for ring in _RING_SIZES]
    tried = shapes.log_evidence(np.array([shapes.sizes(**rivals, **tail) for tail in tails]))
    chosen = tails[int(np.argmax(tried))] | {"drift": level_uv, "hum": 1.0}
    if "copy" not in shapes.kind:
        return shapes.sizes(**chosen)
    copies = np.array([shapes.sizes(**chosen, copy=size) for size in _COPY_SIZES])
    best: np.ndarray = copies[int(np.argmax(shapes.log_evidence(copies)))]
    return best


def _direct_bumps(at: np.ndarray) -> np.ndarray:
    """What else may fill the direct zone where no M wave was recorded."""
    centres = np.arange(2.5, _DIRECT_ZONE_ENDS_MS[1], 0.6)
    bumps: np.ndarray = np.exp(-0.5 * ((at[:, None] - centres) / 0.5) ** 2)
    return bumps


def _burst_inflation(sweeps_uv: np.ndarray, noise: Noise, model: Model, zone_ends_ms: float) -> np.ndarray:
    """Local noise in the window over noise elsewhere, as a ratio of deviations, at least 1.

    Nuisances are taken out of every sweep; then each is compared with the average of the *others*, scaled
    and shifted a little: a response that varies in size follows them, a spasm burst in a few sweeps, or an
    amplifier that recovers at another time, does not. Where most sweeps agree that there is something, the
    rest of their differences is taken for the response's own, and counts by its root.
    """
    n_sweeps, at = sweeps_uv.shape[0], model.time_ms
    if n_sweeps < _MIN_SWEEPS_FOR_BURSTS:
        return np.ones(at.size)
    white = sweeps_uv @ model.root.T
    weights, variance = noise.weights[:, None], noise.variance_uv2 / noise.average_sd_uv**2
    others = (noise.weights @ white - weights * white) / (1 - weights)
    slopes = np.gradient(others, axis=1)
    parts = np.stack([at < zone_ends_ms, at >= zone_ends_ms], axis=1).astype(float)
    shapes = np.concatenate([others[:, :, None] * parts, slopes[:, :, None] * parts], axis=2)
    normal = shapes.transpose(0, 2, 1) @ shapes + 2 * variance[:, None, None] * np.eye(shapes.shape[2])
    rest = white - others
    sizes = np.linalg.solve(normal, (shapes.transpose(0, 2, 1) @ rest[:, :, None]))
    rest = rest - (shapes @ sizes)[..., 0]
    local = (weights**2 * rest**2).sum(axis=0) * (n_sweeps - 1) / n_sweeps
    width = max(3, round(3 / model.step_ms))
    kernel = np.hanning(width + 2)[1:-1]
    padded = np.pad(local, width, mode="reflect")
    smooth = np.convolve(padded, kernel / kernel.sum(), "same")[width:-width]
    inflation: np.ndarray = np.sqrt(np.maximum(1.0, 0.7 * smooth))
    return np.sqrt(inflation) if _most_agree(white, others, at >= zone_ends_ms) else inflation


def _most_agree(white: np.ndarray, others: np.ndarray, rows: np.ndarray) -> bool:
    """Whether the sweeps resemble the average of the others: neither test is swayed by a few bursts.

    Either most do so at all (a sign test), or many do so clearly, as when it jitters by half a phase.
    """
    own, theirs = white[:, rows], others[:, rows]
    likeness = (own * theirs).sum(axis=1) / np.sqrt((own**2).sum(axis=1) * (theirs**2).sum(axis=1))
    n_alike, n_sweeps = int((likeness > 0).sum()), likeness.size
    if 2 * n_alike - n_sweeps > _AGREEMENT * np.sqrt(n_sweeps):
        return True
    return n_sweeps >= _MANY_SWEEPS and float((likeness > _CLEARLY_ALIKE).mean()) >= _MANY_SHARE


def _direct_zone_ends_ms(m_wave_uv: np.ndarray | None, at: np.ndarray) -> float:
    """Until when the direct response alone is looked at: later where the M wave itself is late."""
    earliest, latest = _DIRECT_ZONE_ENDS_MS
    if m_wave_uv is None:
        return earliest
    energy = np.cumsum(m_wave_uv**2)
    return float(np.clip(at[np.searchsorted(energy, energy[-1] / 2)], earliest, latest))


def _misfit(
    shapes: _Shapes,
    sizes: np.ndarray,
    at: np.ndarray,
    data: np.ndarray,
    free: np.ndarray,
    deviation_uv: float,
) -> tuple[np.ndarray, Removed]:
    """How much tails, copies and what begins in the direct zone may leave unexplained."""
    fitted = shapes.fit(sizes)
    tail = fitted[:, shapes.kind == "tail"].sum(axis=1)
    copy = fitted[:, shapes.kind == "copy"].sum(axis=1)
    rest = data - fitted.sum(axis=1)
    direct = (at > at[0] + 0.3) & (at < 5.5)
    excess = np.sqrt(max(0.0, float((rest[direct] ** 2).mean()) - deviation_uv**2)) if direct.any() else 0.0
    step = at[1] - at[0]
    begun = _BEGUN * excess * np.where(at < 5, 1.0, np.exp(-(((at - 5) / 3) ** 2)))
    near = _moving_mean(np.abs(copy), round(1.5 / step))
    if direct.any() and near[direct].max() > 0:  # a copy that misfits early misfits alike later
        misfit = min(1.0, excess / float(np.sqrt((near[direct] ** 2).mean())))
        begun = np.maximum(begun, _BEGUN * misfit * near)
    steep = _moving_mean(np.abs(np.gradient(copy, step)), 2)
    allowed = np.sqrt(
        begun**2
        + (_COPY_MISFIT * near) ** 2
        + (_COPY_JITTER_MS * steep) ** 2
        + (_TAIL_MISFIT * tail * (at < 20)) ** 2
    )
    removed = Removed(
        tail_uv=float(np.abs(tail).max()),
        crosstalk_uv=float(np.abs(copy).max()),
        crosstalk_share=float(sizes[shapes.kind == "copy"].max(initial=0.0)),
        unexplained_direct_uv=float(excess),
        largest_uv=float(np.abs(rest[~free]).max(initial=0.0)),
    )
    return allowed, removed


def _moving_mean(values: np.ndarray, reach: int) -> np.ndarray:
    width = 2 * reach + 1
    mean: np.ndarray = np.convolve(np.pad(values, reach, mode="edge"), np.ones(width) / width, "valid")
    return mean
