"""The amplifier: what do its filters, its rails and its converter do to an EMG?

Conventions
-----------
Filters are causal Butterworth filters, as the analogue ones in front of a converter are: they delay and
smear to the right, never to the left. Evoked waveforms are filtered on the fine grid of `waveforms.py`;
noise, whose phase means nothing, is given its spectrum by `gain`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lsr.synthetic.waveforms import FINE_HZ


@dataclass(frozen=True, slots=True, kw_only=True)
class Amplifier:
    """One EMG amplifier with its converter."""

    high_pass_hz: float = 20.0
    high_pass_order: int = 1
    low_pass_hz: float = 5000.0
    low_pass_order: int = 2
    rail_uv: float | None = None  # nothing beyond it is recorded; None: never reached

    def at_rate(self, rate_hz: float) -> Amplifier:
        """Return the amplifier with a low-pass that keeps aliases out at `rate_hz`."""
        return Amplifier(
            high_pass_hz=self.high_pass_hz,
            high_pass_order=self.high_pass_order,
            low_pass_hz=min(self.low_pass_hz, 0.4 * rate_hz),
            low_pass_order=self.low_pass_order,
            rail_uv=self.rail_uv,
        )

    def filter(self, waves_uv: np.ndarray) -> np.ndarray:
        """Waveforms, shape (n_waves, n_fine), after both filters; at rest before the stimulus."""
        from scipy.signal import butter, sosfilt

        high = butter(self.high_pass_order, self.high_pass_hz, "highpass", fs=FINE_HZ, output="sos")
        low = butter(self.low_pass_order, self.low_pass_hz, "lowpass", fs=FINE_HZ, output="sos")
        return np.asarray(sosfilt(np.vstack([high, low]), waves_uv, axis=-1))

    def gain(self, frequency_hz: np.ndarray) -> np.ndarray:
        """Magnitude of both filters at `frequency_hz`."""
        low = 1.0 / np.sqrt(1.0 + (frequency_hz / self.low_pass_hz) ** (2 * self.low_pass_order))
        ratio = (frequency_hz / self.high_pass_hz) ** self.high_pass_order
        return np.asarray(low * ratio / np.sqrt(1.0 + ratio**2))

    def clip(self, emg_uv: np.ndarray) -> np.ndarray:
        """What is left between the rails."""
        return emg_uv if self.rail_uv is None else np.clip(emg_uv, -self.rail_uv, self.rail_uv)


def draw_amplifier(rng: np.random.Generator, rate_hz: float) -> Amplifier:
    """Draw an amplifier: high-pass 10-30 Hz, low-pass 3-10 kHz or what the rate lets pass."""
    return Amplifier(
        high_pass_hz=float(rng.uniform(10.0, 30.0)),
        high_pass_order=int(rng.integers(1, 3)),
        low_pass_hz=float(rng.uniform(3000.0, 10000.0)),
        low_pass_order=int(rng.integers(2, 5)),
    ).at_rate(rate_hz)
