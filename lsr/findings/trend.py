"""How did the amplitude change between two blocks, and is it the LSR that changed?

Conventions
-----------
Changes are percent of the first block: -100 is gone, 0 unchanged. The ratio of amplitudes is taken for
log-normal, that of sizes found by comparing blocks for normal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lsr.detection.detection import Detection
from lsr.findings.findings import BlockFinding
from lsr.findings.likeness import Likeness
from lsr.findings.states import m_wave_uv

_DEVIATIONS_95 = 1.96
_DEVIATIONS_99 = 2.58  # what a change has to exceed to be no chance
_LEAST_FALL = 0.25  # of the amplitude; less is not called a reduction whatever its interval
_ALIKE = 0.5  # a fall of the M wave by this share of the LSR's, in logarithms, is a fall alike
LEAST_M_FALL = 0.15  # of the M wave; less is not called a fall
_VARIES = 0.2  # relative deviation of a block's amplitude whose sweeps cannot be judged singly


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Of the amplitude, from one block to another."""

    percent: float
    interval_percent: tuple[float, float]  # 95 %
    is_reduction: bool  # at least a quarter, and no chance
    fell_with_m_wave: bool


def find_change(
    blocks: Sequence[BlockFinding], first: int, last: int, likeness: Likeness | None = None
) -> Change | None:
    """Change of amplitude between two blocks with a response.

    Blocks are compared by their amplitudes, or by how much of the LSR each holds: where one of them has no
    amplitude of its own, and where only that excludes that nothing changed.

    Parameters
    ----------
    blocks : sequence of BlockFinding
    first, last : int
    likeness : Likeness | None

    Returns
    -------
    Change | None
        None where nothing tells both sizes.
    """
    compared = [
        ratio
        for ratio in (_of_amplitudes(blocks, first, last), _of_likeness(likeness, first, last))
        if ratio is not None
    ]
    if not compared:
        return None
    chosen = next((ratio for ratio in compared if ratio.is_reduction), compared[0])
    return Change(
        percent=_percent(chosen.value),
        interval_percent=(_percent(chosen.end(-_DEVIATIONS_95)), _percent(chosen.end(_DEVIATIONS_95))),
        is_reduction=chosen.is_reduction,
        fell_with_m_wave=_fell_with_m_wave(blocks, first, last, chosen.value),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ratio:
    """Size after over size before."""

    value: float
    deviation: float  # standard deviation, of the logarithm where that is what is normal
    is_log: bool

    def end(self, deviations: float) -> float:
        """The ratio so many deviations away."""
        if self.is_log:
            return float(self.value * np.exp(deviations * self.deviation))
        return max(0.0, self.value + deviations * self.deviation)

    @property
    def is_reduction(self) -> bool:
        return self.value <= 1 - _LEAST_FALL and self.end(_DEVIATIONS_99) < 1


def _of_amplitudes(blocks: Sequence[BlockFinding], first: int, last: int) -> _Ratio | None:
    """Compare amplitudes; None where a block has none."""
    before, after = (blocks[k].detection for k in (first, last))
    if not (before.amplitude_uv and after.amplitude_uv):
        return None
    deviation = float(np.hypot(_log_deviation(before), _log_deviation(after)))
    return _Ratio(value=after.amplitude_uv / before.amplitude_uv, deviation=deviation, is_log=True)


def _of_likeness(likeness: Likeness | None, first: int, last: int) -> _Ratio | None:
    """Compare how much of the LSR each block holds; None where that is not known."""
    if likeness is None or not min(likeness.size[first], likeness.size[last]) > 0:
        return None
    before, after = float(likeness.size[first]), float(likeness.size[last])
    ratio = after / before
    deviation = float(np.hypot(likeness.deviation[last], ratio * likeness.deviation[first])) / before
    return _Ratio(value=ratio, deviation=deviation, is_log=False)


def _fell_with_m_wave(blocks: Sequence[BlockFinding], first: int, last: int, ratio: float) -> bool:
    """Whether the M wave fell too, by at least half as much in logarithms, or is lost."""
    before, after = m_wave_uv(blocks[first]), m_wave_uv(blocks[last])
    if not before:
        return False
    if not after:
        return True
    fall = float(np.log(after / before))
    return bool(fall < np.log(1 - LEAST_M_FALL) and fall < _ALIKE * np.log(ratio))


def change_to_nothing(first: BlockFinding, last: BlockFinding) -> Change:
    """Change of amplitude to a block without a response, which may hold one below its detection limit."""
    before, limit = first.detection.amplitude_uv, last.detection.detection_limit_uv
    left = 100 * limit / before if before and limit else 100.0
    return Change(
        percent=-100.0,
        interval_percent=(-100.0, min(0.0, left - 100.0)),
        is_reduction=False,
        fell_with_m_wave=False,
    )


def _percent(ratio: float) -> float:
    return 100 * (ratio - 1)


def _log_deviation(detection: Detection) -> float:
    """Relative deviation of a block's amplitude, as its interval has it."""
    assert detection.amplitude_uv is not None
    if detection.amplitude_ci_uv is None:
        return _VARIES
    low, high = detection.amplitude_ci_uv
    return float((high - low) / (2 * _DEVIATIONS_95 * detection.amplitude_uv))
