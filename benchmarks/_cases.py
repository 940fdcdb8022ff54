"""Which sweeps is detection measured on?

Conventions
-----------
A case is one block of sweeps, drawn by `lsr.synthetic.draw_sweeps` from a seed of its own. SNR is that of
the generator: the median peak-to-peak amplitude of the answered sweeps' noise-free responses over the
standard deviation of one sweep's noise. Seeds for tuning and seeds for reporting never meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lsr.synthetic import DrawnSweeps, draw_sweeps

FIRST_SEED = {"tuning": 10_000_000, "reporting": 50_000_000}
SEEDS_PER_SERIES = 100_000  # series 0 of tuning: 10 000 000 to 10 099 999, and so on
MAIN = ("clean", "tail", "hum", "bursts", "crosstalk", "mixed")
EXTRA = ("ecg", "drift", "saturation", "alternating")
SNRS = (1.5, 3.0, 5.0, 10.0, 20.0, 30.0)
N_SWEEPS = (1, 5, 20, 100)
RATES_HZ = (5_000.0, 10_000.0, 20_000.0)
FAMILIES = ("smooth", "sharp", "ringing", "irregular", "compressed", "any")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One block of sweeps to be judged."""

    seed: int
    nuisance: str
    extra: bool  # a nuisance beside the main ones: not part of the totals
    snr: float  # 0: no response
    n_sweeps: int
    rate_hz: float
    family: str
    before_ms: float
    after_ms: float
    direct: bool  # whether the direct muscle's sweeps are given
    noise_uv: float
    strength: float
    jitter_ms: float
    persistence: float

    @property
    def present(self) -> bool:
        """Whether there is a response."""
        return self.snr > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many cases per cell of nuisance, SNR and number of sweeps."""

    snrs: tuple[float, ...]
    responses: int
    nulls: int
    extra_responses: int
    extra_nulls: int


FULL = Size(snrs=SNRS, responses=6, nulls=48, extra_responses=2, extra_nulls=16)
QUICK = Size(snrs=SNRS[1::2], responses=1, nulls=4, extra_responses=0, extra_nulls=0)


def plan(seeds: str, size: Size, series: int = 0) -> list[Case]:
    """List the cases of a run; equal arguments give equal cases.

    Parameters
    ----------
    seeds : str
        "tuning" or "reporting".
    size : Size
    series : int
        Another range of seeds of the same kind: a method tuned on one is checked on the next.
    """
    first = FIRST_SEED[seeds] + series * SEEDS_PER_SERIES
    cells: list[tuple[str, bool, float, int]] = []
    for nuisances, extra in ((MAIN, False), (EXTRA, True)):
        n_responses = size.extra_responses if extra else size.responses
        n_nulls = size.extra_nulls if extra else size.nulls
        for nuisance in nuisances:
            for n_sweeps in N_SWEEPS:
                cells += [(nuisance, extra, snr, n_sweeps) for snr in size.snrs for _ in range(n_responses)]
                cells += [(nuisance, extra, 0.0, n_sweeps)] * n_nulls
    return [_case(first + index, *cell) for index, cell in enumerate(cells)]


def _case(seed: int, nuisance: str, extra: bool, snr: float, n_sweeps: int) -> Case:
    """Draw what is not part of the grid: rate, family, lengths, noise, and how constant the response is."""
    rng = np.random.default_rng(seed)
    return Case(
        seed=seed,
        nuisance=nuisance,
        extra=extra,
        snr=snr,
        n_sweeps=n_sweeps,
        rate_hz=float(rng.choice(RATES_HZ)),
        family=str(rng.choice(FAMILIES)),
        before_ms=float(rng.choice([0.0, 20.0, 40.0, 50.0], p=[0.1, 0.3, 0.3, 0.3])),
        after_ms=float(rng.choice([40.0, 60.0, 100.0])),
        direct=bool(rng.random() < 0.75),
        noise_uv=float(np.exp(rng.uniform(np.log(2.0), np.log(15.0)))),
        strength=float(np.exp(rng.uniform(np.log(0.5), np.log(2.0)))),
        jitter_ms=float(rng.uniform(0.05, 0.4)),
        persistence=float(rng.uniform(0.5, 1.0)),
    )


def draw(case: Case) -> DrawnSweeps:
    """Draw the sweeps of a case, and their truth."""
    return draw_sweeps(
        seed=case.seed,
        n_sweeps=case.n_sweeps,
        rate_hz=case.rate_hz,
        before_ms=case.before_ms,
        after_ms=case.after_ms,
        present=case.present,
        snr=case.snr or 1.0,
        noise_uv=case.noise_uv,
        nuisance=case.nuisance,
        strength=case.strength,
        family=case.family,
        jitter_ms=case.jitter_ms,
        persistence=case.persistence,
    )


def draw_response_alone(case: Case) -> tuple[np.ndarray, np.ndarray, float]:
    """Mean response of a case without noise or nuisances, its time axis, and its true onset.

    A case without a response gives the one it would have had at SNR 10. Every part of a drawing has a
    stream of its own, so the response is the difference between the drawings with and without it.
    """
    n_sweeps = case.n_sweeps if case.present else 1
    twin = replace(
        case, nuisance="clean", snr=case.snr or 10.0, n_sweeps=n_sweeps, before_ms=0.0, after_ms=40.0
    )
    with_it, without = draw(twin), draw(replace(twin, snr=0.0))
    onset_ms = with_it.truth.onset_ms
    assert onset_ms is not None
    return (with_it.emg_uv - without.emg_uv).mean(axis=0), with_it.time_ms, onset_ms


def draw_noise_alone(case: Case, n_sweeps: int = 5, before_ms: float = 150.0) -> np.ndarray:
    """Noise of the colour that the case has, from before the stimulus, shape (n_sweeps, n_samples)."""
    twin = replace(case, nuisance="clean", snr=0.0, n_sweeps=n_sweeps, before_ms=before_ms, after_ms=10.0)
    drawn = draw(twin)
    return drawn.emg_uv[:, drawn.time_ms < -1.0]


def names_of(cases: Sequence[Case]) -> str:
    """Seeds used, for the head of a report."""
    return f"{cases[0].seed} to {cases[-1].seed}"
