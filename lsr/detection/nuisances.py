"""What else than a response may the average of a block hold, and how large may it be?

Conventions
-----------
Time is milliseconds from the stimulus, EMG microvolts. Every nuisance is a set of columns times the
standard deviation that it may have. Sizes come from where no response can be: the direct zone, and the
stretches before and after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np

from lsr.cleaning.artifact import ring_columns, swing_columns, tail_columns
from lsr.cleaning.crosstalk import copy_columns, dispersed_columns
from lsr.cleaning.mains import MAINS_HZ
from lsr.detection.average_hum import find_average_hum
from lsr.detection.evidence import ROUNDING, Model, log_evidence, with_white_noise
from lsr.detection.prepare import Prepared
from lsr.detection.rivals import Rival, find_rivals, lasting_uv
from lsr.detection.varying import what_varies
from lsr.gaussian import gaussian

_DIRECT_ZONE_ENDS_MS = (6.0, 9.0)  # where half of a late M wave is over, between these
DIRECT_UNTIL_MS = 5.5  # what starts until then is no LSR: where tails and copies leave something unexplained
_OVER_MS = 8.0  # after the latest onset most responses are over
_TAIL_MISFIT = 0.005  # share of a fitted tail that sums of exponentials may leave
_FINEST_SHARE = 0.002  # of a response: finer than this no model of its waveform is
_COPY_MISFIT = 0.06  # share of a fitted copy that is not linear
_COPY_JITTER_MS = 0.06
_BEGUN = 1.5  # of what the direct zone leaves unexplained: as much may follow it
_TAIL_SIZES = (0.3, 2.0, 10.0)
_RING_SIZES = (0.01, 0.1, 1.0)
_N_DRIFT = 2
_RIVAL_COPY, _RIVAL_BUMP = 0.05, 0.3  # of the M wave, of the largest value in the direct zone
_COPIES = ("copy 1", "copy 2", "copy 3")  # of the M waves of so many direct muscles, the largest first
_COPY_SIZES = (5e-4, 0.002, 0.01, 0.05, 0.2)  # of the M wave; the first where the direct zone asks for none
_NOTABLE_INFLATION = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What the nuisances took out of the average, for the evidence chain (microvolts)."""

    tail_uv: float
    crosstalk_uv: float
    crosstalk_share: float  # of the M wave
    unexplained_direct_uv: float
    largest_uv: float  # what is left where a response may be
    noise_uv: float = 0.0  # of the average, standard deviation: what stays beside the nuisances
    hum_in_average_uv: float = 0.0
    burst_inflation: float = 1.0  # largest ratio of noise in the response window to noise elsewhere
    n_apart: int = 0  # sweeps left out of the average


@dataclass(frozen=True, slots=True)
class _Shapes:
    """Columns side by side, seen where no response can be: whitened products there."""

    kinds: dict[str, slice]  # which columns are of a kind
    products: np.ndarray  # (n_columns + 1, n_columns + 1): of the columns, and last of the data
    beside: float = 0.0  # log evidence of what was integrated out

    @classmethod
    def seen(cls, white: dict[str, np.ndarray], white_data: np.ndarray, rows: np.ndarray) -> _Shapes:
        """Of whitened columns, kind by kind, in some rows."""
        seen = np.concatenate([*white.values(), white_data[:, None]], axis=1)[rows]
        return cls(
            kinds=_side_by_side({kind: part.shape[1] for kind, part in white.items()}), products=seen.T @ seen
        )

    def sizes(self, deviations: dict[str, float]) -> np.ndarray:
        """Prior deviation of every column; 0 for kinds that are not named."""
        sizes = np.zeros(len(self.products) - 1)
        for kind, where in self.kinds.items():
            sizes[where] = deviations.get(kind, 0.0)
        return sizes

    def given(self, deviations: dict[str, float]) -> _Shapes:
        """What is left to tell of the other kinds when these, of such sizes, are integrated out."""
        from scipy.linalg.lapack import dpotrf, dtrtrs

        sizes = self.sizes(deviations)
        out = np.flatnonzero(sizes)
        kinds = {kind: where for kind, where in self.kinds.items() if kind not in deviations}
        left = [np.arange(where.start, where.stop) for where in kinds.values()]
        order = np.concatenate([out, *left, [sizes.size]])
        products, n, own = self.products[order[:, None], order], out.size, sizes[out]
        normal = own[:, None] * products[:n, :n] * own
        normal.flat[:: n + 1] += 1.0 + ROUNDING * normal.diagonal().max(initial=0.0)
        factor, _ = dpotrf(normal, lower=1)
        shared, _ = dtrtrs(factor, own[:, None] * products[:n, n:], lower=1)
        explained = shared.T @ shared
        explained[-1, -1] = min(float(explained[-1, -1]), float(products[-1, -1]))
        rest = products[n:, n:] - explained
        rest.flat[: -1 : len(rest) + 1] += ROUNDING * products.diagonal()[n:-1]
        return _Shapes(
            kinds=_side_by_side({kind: where.stop - where.start for kind, where in kinds.items()}),
            products=rest,
            beside=self.beside + 0.5 * float(explained[-1, -1]) - float(np.log(np.diag(factor)).sum()),
        )

    def log_evidence(self, tried: Sequence[dict[str, float]]) -> np.ndarray:
        """Of several choices of deviations, shape (n_tried,)."""
        sizes = np.array([self.sizes(deviations) for deviations in tried])
        some = np.flatnonzero(sizes.any(axis=0))
        gram, moment = self.products[some[:, None], some], self.products[-1, some]
        return log_evidence(gram, moment, float(self.products[-1, -1]), sizes[:, some]) + self.beside

    def fit(self, deviations: dict[str, float]) -> dict[str, np.ndarray]:
        """How much of each column the data hold, given their prior deviations, kind by kind."""
        sizes = self.sizes(deviations)
        some = np.flatnonzero(sizes)
        own = sizes[some]
        normal = own[:, None] * self.products[some[:, None], some] * own
        normal.flat[:: own.size + 1] += 1.0
        found = np.zeros(sizes.size)
        found[some] = own * np.linalg.solve(normal, own * self.products[-1, some])
        return {kind: found[where] for kind, where in self.kinds.items()}


def _side_by_side(counts: dict[str, int]) -> dict[str, slice]:
    """Where the columns of each kind stand."""
    edges = np.cumsum([0, *counts.values()]).tolist()
    return {kind: slice(*edge) for kind, edge in zip(counts, pairwise(edges), strict=True)}


@dataclass(frozen=True, slots=True)
class Nuisances:
    """The average of a block, its noise, and what else may be in it."""

    sweeps_uv: np.ndarray  # (n_sweeps, n_samples): where a response may be, hum removed
    steady: Model  # noise and nuisances, the inflation left out
    inflation: np.ndarray  # (n_samples,): of the noise, where the sweeps differ from each other
    apart: np.ndarray  # (n_sweeps,), bool: those without which the average is better
    columns: np.ndarray  # (n_samples, n_columns): times their prior deviation, microvolts; drift first
    counts: tuple[tuple[str, int], ...]  # of which kind the columns are, and how many
    find_rivals: Callable[[], tuple[Rival, ...]]  # made only where something stands out
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

    def lesser_models(self, *rivals: Rival) -> Iterator[Model]:
        """With tails and copies as they are, and smaller in the steps in which their sizes are tried.

        The noise is not inflated.
        """
        kinds = np.repeat([kind for kind, _ in self.counts], [count for _, count in self.counts])
        copies = np.isin(kinds, _COPIES)
        shares = {"tail": _TAIL_SIZES, "copy": _COPY_SIZES if copies.any() else (1.0,)}
        for tail, copy in product(*shares.values()):
            share = np.ones(kinds.size)
            share[kinds == "tail"] = tail / shares["tail"][-1]
            share[copies] = copy / shares["copy"][-1]
            columns = [self.columns * share, *(rival.columns for rival in rivals)]
            yield self._build(self.steady.noise_root, np.concatenate(columns, axis=1))

    def _build(self, noise_root: np.ndarray, columns: np.ndarray) -> Model:
        return Model.build(self.steady.time_ms, self.steady.average_uv, noise_root, columns)


def find_nuisances(prepared: Prepared, waves_uv: Sequence[np.ndarray]) -> Nuisances:
    """What the average of the sweeps holds but a response.

    Parameters
    ----------
    prepared : Prepared
    waves_uv : sequence of np.ndarray, each shape (n_samples,)
        M waves of direct muscles in the same sweeps: of that which proves the stimuli, then of others.
    """
    noise, time, deviation = prepared.noise, prepared.time_ms, prepared.noise.average_sd_uv
    window = (time >= prepared.clear_ms) & (time <= prepared.end_ms)
    at, average = time[window], noise.weights @ prepared.emg_uv
    longest = max(int(part.sum()) for part in (window, prepared.before, prepared.after))
    whitening = noise.whitening(longest)
    hum = find_average_hum(average, prepared, window, whitening)
    deviation *= float(np.sqrt(max(1.0, hum.excess)))  # what the sweeps share does not average out
    root = whitening[: at.size, : at.size] / deviation
    data = average[window] - hum.left_uv
    zone_ends_ms = _direct_zone_ends_ms([wave[window] for wave in waves_uv], at)
    late = at > prepared.search_ms[1] + _OVER_MS
    early = at < max(zone_ends_ms, prepared.search_ms[0] - 0.5)
    free = early | late
    usual = _usual_columns(float(at[0]), prepared.step_ms, at.size)
    parts = {"drift": usual.drift, "tail": usual.tail, "ring": usual.ring, "hum": hum.columns}
    copies, dispersed = _leaks(waves_uv[: len(_COPIES)], time, start_ms=prepared.clear_ms, at_ms=at)
    parts |= copies or {"rival": usual.direct}
    white, white_data = {kind: root @ part for kind, part in parts.items()}, root @ data
    level_uv = _level_uv(data, average, prepared)
    for reached in (early & (at > prepared.search_ms[0]), late):
        if reached.any():
            shapes = _Shapes.seen(white | {"answer": root[:, reached]}, white_data, free)
            if _holds_answer(shapes, data, reached, level_uv):
                free = free & ~reached
    shapes = _Shapes.seen(white, white_data, free)
    sizes = _choose_sizes(shapes, level_uv, at, data, deviation)
    fitted = {kind: parts[kind] @ found for kind, found in shapes.fit(sizes).items()}
    allowed, removed = _misfit(fitted, sizes, at, data, free, deviation)
    given = [kind for kind in parts if kind in sizes]
    columns = np.concatenate(
        [*(parts[kind] * sizes[kind] for kind in given), usual.narrow * allowed[:, None]], axis=1
    )
    steady = Model.build(at, data, with_white_noise(root, _FINEST_SHARE * removed.largest_uv), columns)
    sweeps_uv = prepared.emg_uv[:, window] - hum.left_uv
    mains_hz = (prepared.hum.frequency_hz,) if prepared.hum else MAINS_HZ
    answers = (at >= zone_ends_ms) & ~late
    inflation, apart = what_varies(sweeps_uv, noise, steady, zone_ends_ms, answers)

    def rivals() -> tuple[Rival, ...]:
        return find_rivals(
            usual.swing,
            at,
            data,
            deviation,
            dispersed,
            hum_is_told=hum.is_told,
            lasting_uv=lasting_uv(average, data, late, prepared, mains_hz),
            mains_hz=mains_hz,
            direct_uv=waves_uv[0][window] if waves_uv else None,
            until_ms=prepared.search_ms[1],
        )

    return Nuisances(
        sweeps_uv=sweeps_uv,
        steady=steady,
        inflation=inflation,
        apart=apart,
        columns=columns,
        counts=(*((kind, parts[kind].shape[1]) for kind in given), ("narrow", usual.narrow.shape[1])),
        find_rivals=rivals,
        removed=replace(
            removed,
            noise_uv=deviation,
            hum_in_average_uv=float(np.abs(hum.left_uv).max()),
            burst_inflation=float(inflation.max()),
        ),
    )


def _leaks(
    waves_uv: Sequence[np.ndarray], time_ms: np.ndarray, *, start_ms: float, at_ms: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """Copies of each M wave, and all of them drawn out in time; none without an M wave."""
    if not waves_uv:
        return {}, None
    copies, dispersed = (
        [columns(wave, time_ms, start_ms=start_ms, at_ms=at_ms) for wave in waves_uv]
        for columns in (copy_columns, dispersed_columns)
    )
    return dict(zip(_COPIES, copies, strict=False)), np.concatenate(dispersed, axis=1)


class _Usual(NamedTuple):
    """Columns that depend on the time axis alone, each (n_samples, n_columns)."""

    drift: np.ndarray  # _N_DRIFT
    tail: np.ndarray
    ring: np.ndarray
    swing: np.ndarray
    direct: np.ndarray  # bumps: what else may fill the direct zone where no M wave was recorded
    narrow: np.ndarray  # bumps: what tails and copies leave unexplained


@lru_cache(maxsize=32)
def _usual_columns(first_ms: float, step_ms: float, n_samples: int) -> _Usual:
    at = first_ms + np.arange(n_samples) * step_ms
    direct = np.arange(2.5, _DIRECT_ZONE_ENDS_MS[1], 0.6)
    narrow = np.arange(at[0], min(16.0, at[-1]), 0.3)
    return _Usual(
        drift=np.stack([np.ones_like(at), (at - 10) / 10], axis=1),
        tail=tail_columns(at),
        ring=ring_columns(at),
        swing=swing_columns(at),
        direct=gaussian((at[:, None] - direct) / 0.5),
        narrow=gaussian((at[:, None] - narrow) / 0.25) / 1.2,
    )


def _level_uv(data: np.ndarray, average: np.ndarray, prepared: Prepared) -> float:
    """How far from zero the average may lie: as far as the stretches after allow."""
    deviation = prepared.noise.average_sd_uv
    if prepared.after.any() and prepared.before.any():
        return float(2 * deviation + abs(float(average[prepared.after].mean())))
    return float(np.abs(data).max()) + 10 * deviation


def _holds_answer(shapes: _Shapes, data: np.ndarray, reached: np.ndarray, level_uv: float) -> bool:
    """Whether a response is in some of the samples that should tell what is none.

    There it may have any shape: every sample competes by itself with tails, copies and hum.
    """
    largest = float(np.abs(data).max())
    usual = {"drift": level_uv, "hum": 1.0, "rival": largest, "ring": largest}
    usual |= dict.fromkeys(_COPIES, _RIVAL_COPY)
    tails = [{"tail": size * largest} for size in _TAIL_SIZES]

    def evidence(answer_uv: float) -> float:
        return float(shapes.given(usual | {"answer": answer_uv}).log_evidence(tails).max())

    return evidence(float(np.abs(data[reached]).max())) > evidence(0.0)


def _choose_sizes(
    shapes: _Shapes, level_uv: float, at: np.ndarray, data: np.ndarray, deviation_uv: float
) -> dict[str, float]:
    """Prior deviations of the kinds: the most likely of a few, told where no response can be.

    Tails go in proportion to the first samples. There crosstalk competes: copies where the
    M wave is recorded, else bumps of any shape. Then the share of the M wave that crosstalk may reach.
    """
    first = float(np.abs(data[at < at[0] + 1.2]).max()) + deviation_uv
    direct = (at > at[0] + 0.5) & (at < _DIRECT_ZONE_ENDS_MS[1])
    largest = float(np.abs(data[direct]).max(initial=0.0))
    rivals = {"drift": level_uv, "rival": _RIVAL_BUMP * largest, "hum": 0.0}
    rivals |= dict.fromkeys(_COPIES, _RIVAL_COPY)
    tails = [{"tail": size * first, "ring": ring * first} for size in _TAIL_SIZES for ring in _RING_SIZES]
    likeliest = int(np.argmax(shapes.given(rivals).log_evidence(tails)))
    chosen = tails[likeliest] | {"drift": level_uv, "hum": 1.0}
    kinds = [kind for kind in _COPIES if kind in shapes.kinds]
    if not kinds:
        return chosen
    copies = [dict(zip(kinds, tried, strict=True)) for tried in product(_COPY_SIZES, repeat=len(kinds))]
    return chosen | copies[int(np.argmax(shapes.given(chosen).log_evidence(copies)))]


def _direct_zone_ends_ms(m_waves_uv: Sequence[np.ndarray], at: np.ndarray) -> float:
    """Until when the direct response alone is looked at: later where an M wave itself is late."""
    earliest, latest = _DIRECT_ZONE_ENDS_MS
    energies = [np.cumsum(wave**2) for wave in m_waves_uv]
    halves = [at[np.searchsorted(energy, energy[-1] / 2)] for energy in energies]
    return float(np.clip(max(halves, default=earliest), earliest, latest))


def _misfit(
    fitted: dict[str, np.ndarray],
    sizes: dict[str, float],
    at: np.ndarray,
    data: np.ndarray,
    free: np.ndarray,
    deviation_uv: float,
) -> tuple[np.ndarray, Removed]:
    """How much tails, copies and what begins in the direct zone may leave unexplained."""
    tail = fitted["tail"]
    copy = np.sum([fitted.get(kind, np.zeros_like(data)) for kind in _COPIES], axis=0)
    rest = data - np.sum(list(fitted.values()), axis=0)
    direct = (at > at[0] + 0.3) & (at < DIRECT_UNTIL_MS)
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
        crosstalk_share=max(sizes.get(kind, 0.0) for kind in _COPIES),
        unexplained_direct_uv=float(excess),
        largest_uv=float(np.abs(rest[~free]).max(initial=0.0)),
    )
    return allowed, removed


def _moving_mean(values: np.ndarray, reach: int) -> np.ndarray:
    width = 2 * reach + 1
    padded = np.concatenate([np.full(reach, values[0]), values, np.full(reach, values[-1])])
    mean: np.ndarray = np.convolve(padded, np.ones(width) / width, "valid")
    return mean
