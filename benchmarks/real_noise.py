"""What does lsr find in real noise: where no stimulus was given, and where a response was planted?

By hand: `python benchmarks/real_noise.py RECORDING...`. Takes recordings in any format that lsr reads, leaves
out 20 ms before to 500 ms after every annotation, and judges what is left as if stimuli had been given there
at an even pace: noise, hum, and activity of muscles are those of the recording. Four paces: three at which
hum of 50 or 60 Hz may keep its phase to the stimuli, and one at which it cannot. Planted responses are drawn
by `lsr.synthetic`, with jitter and varying size; their onsets and waveforms are known.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import lsr
from lsr.synthetic.amplifier import Amplifier
from lsr.synthetic.families import UNIT_SHAPES
from lsr.synthetic.responses import draw_firing, draw_lateral_spread, exact_sweeps, render_response
from lsr.synthetic.streams import stream
from lsr.synthetic.waveforms import start_ms
from lsr.threads import use_one_thread

PACES_S = (0.1, 0.1963, 0.2, 1 / 3)
N_SWEEPS = (1, 5, 20, 60)
PLANTED_UV = (0.0, 3.0, 10.0, 30.0, 100.0)
_BEFORE_S, _AFTER_S = 0.04, 0.08
_LEFT_OUT_S = (0.02, 0.5)  # before and after an annotation


def at_rest(recording: lsr.Recording, first_s: float, pace_s: float, n_sweeps: int) -> np.ndarray:
    """Times of an even pace from `first_s` on, round the recording's end, that meet no annotation."""
    n_paces = int(recording.duration_s / pace_s)
    times_s = np.sort((first_s + np.arange(n_paces) * pace_s) % recording.duration_s)
    times_s = np.roll(times_s, -int(np.searchsorted(times_s, first_s)))
    free = recording.windows_inside(times_s, _BEFORE_S, _AFTER_S)
    for annotation in recording.annotations:
        end_s = annotation.time_s + (annotation.duration_s or 0.0) + _LEFT_OUT_S[1]
        free &= (times_s + _AFTER_S < annotation.time_s - _LEFT_OUT_S[0]) | (times_s - _BEFORE_S > end_s)
    return times_s[free][:n_sweeps]


def plant(
    rng: np.random.Generator, size_uv: float, rate_hz: float, time_ms: np.ndarray, n_sweeps: int
) -> tuple[np.ndarray, float]:
    """Draw sweeps, (n_sweeps, n_samples), with a mean response of that size, and when it starts."""
    response = draw_lateral_spread(
        rng,
        latency_ms=float(rng.uniform(7.0, 13.0)),
        shape=str(rng.choice(UNIT_SHAPES)),
        amplifier=Amplifier().at_rate(rate_hz),
        morphology=str(rng.choice(["monophasic", "polyphasic"])),
    )
    firing = draw_firing(rng, response, n_sweeps, jitter_ms=0.15)
    exact_uv, exact_ms = exact_sweeps(response, firing)
    mean_uv = exact_uv.mean(axis=0)
    sweeps_uv = render_response(response, firing, time_ms, np.zeros(n_sweeps))
    onset_ms = start_ms(mean_uv, exact_ms)
    assert onset_ms is not None
    return sweeps_uv * (size_uv / float(np.ptp(mean_uv))), onset_ms


def judge(path: Path, n_draws: int, seed: int) -> Iterator[dict[str, Any]]:
    """Judge blocks of every channel of a recording, one row per block."""
    recording = lsr.read_recording(path)
    for number, channel in enumerate(recording.channels):
        if not channel.is_voltage or channel.is_trigger:
            continue
        rng = stream(seed, f"{path.name} {number}")
        for pace_s in PACES_S * n_draws:
            first_s = float(rng.uniform(0, recording.duration_s))
            times_s = at_rest(recording, first_s, pace_s, max(N_SWEEPS))
            batches = recording.windows(times_s, _BEFORE_S, _AFTER_S, [number])
            noise_uv = np.concatenate([batch.samples[:, 0] for batch in batches]).astype(float)
            time_ms = (np.arange(noise_uv.shape[1]) / channel.rate_hz - _BEFORE_S) * 1000
            for n_sweeps, size_uv in product(N_SWEEPS, PLANTED_UV):
                if n_sweeps > len(noise_uv):
                    continue
                emg_uv, onset_ms = noise_uv[:n_sweeps], np.nan
                if size_uv:
                    response_uv, onset_ms = plant(rng, size_uv, channel.rate_hz, time_ms, n_sweeps)
                    emg_uv = emg_uv + response_uv
                found = lsr.detect(emg_uv, time_ms)
                low_ms, high_ms = found.onset_latency_ci_ms or (np.nan, np.nan)
                yield {
                    "recording": path.name,
                    "channel": channel.label,
                    "sweeps": n_sweeps,
                    "planted_uv": size_uv,
                    "present": found.presence is lsr.Presence.PRESENT,
                    "p_05": found.p_value is not None and found.p_value <= 0.05,
                    "error_ms": abs((found.onset_latency_ms or np.nan) - onset_ms),
                    "covered": low_ms <= onset_ms <= high_ms,
                }


def table(rows: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Shares of the blocks; of responses called present, how close their onsets are."""
    found = rows.groupby(list(by))[["present", "p_05"]].mean()
    found.insert(0, "blocks", rows.groupby(list(by)).size())
    called = rows[rows.present & (rows.planted_uv > 0)].groupby(list(by))
    onsets = called.agg(
        within_1_ms=("error_ms", lambda errors: (errors <= 1.0).mean()),
        error_ms=("error_ms", "median"),
        coverage=("covered", "mean"),
    )
    return found.join(onsets).round(3)


def main() -> None:
    """Judge and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("recordings", type=Path, nargs="*")
    parser.add_argument("--draws", type=int, default=10, help="of a first stimulus, per channel and pace")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    if not asked.recordings:
        print("No recordings given: nothing to judge. See --help.")
        return
    use_one_thread()
    rows = pd.DataFrame([row for path in asked.recordings for row in judge(path, asked.draws, asked.seed)])
    print(table(rows, ["planted_uv", "sweeps"]).to_string(na_rep="-"), end="\n\n")
    print(table(rows, ["recording", "planted_uv"]).to_string(na_rep="-"), end="\n\n")
    nothing = table(rows[rows.planted_uv == 0], ["recording", "channel"])
    print(nothing[["blocks", "present", "p_05"]].to_string())


if __name__ == "__main__":
    main()
