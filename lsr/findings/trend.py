"""How did the amplitude change between two blocks, and is it the LSR that changed?

Conventions
-----------
Changes are percent of the first block: -100 is gone, 0 unchanged. Intervals are those of the ratio's
logarithm, taken for normal.
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
_LEAST_M_FALL = 0.15
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

    Where one of them has no amplitude of its own, they are compared by how much of the LSR each holds.

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
    before, after = (blocks[k].detection.amplitude_uv for k in (first, last))
    if before and after:
        deviations = [_log_deviation(blocks[k].detection) for k in (first, last)]
    elif likeness is not None and min(likeness.size[first], likeness.size[last]) > 0:
        before, after = float(likeness.size[first]), float(likeness.size[last])
        deviations = [float(likeness.deviation[k] / likeness.size[k]) for k in (first, last)]
    else:
        return None
    log_ratio = float(np.log(after / before))
    deviation = float(np.linalg.norm(deviations))
    m_before, m_after = m_wave_uv(blocks[first]), m_wave_uv(blocks[last])
    m_fall = float(np.log(m_after / m_before)) if m_before and m_after else 0.0
    low, high = (_percent(log_ratio + side * _DEVIATIONS_95 * deviation) for side in (-1, 1))
    return Change(
        percent=_percent(log_ratio),
        interval_percent=(low, high),
        is_reduction=log_ratio <= np.log(1 - _LEAST_FALL)
        and (log_ratio < -_DEVIATIONS_99 * deviation or _is_less(likeness, first, last)),
        fell_with_m_wave=m_fall < np.log(1 - _LEAST_M_FALL) and m_fall < _ALIKE * log_ratio,
    )


def _is_less(likeness: Likeness | None, first: int, last: int) -> bool:
    """Whether the last block holds less of the LSR than the first, beyond chance."""
    if likeness is None:
        return False
    fall = likeness.size[first] - likeness.size[last]
    return bool(fall > _DEVIATIONS_99 * np.hypot(likeness.deviation[first], likeness.deviation[last]))


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


def _percent(log_ratio: float) -> float:
    return 100 * (float(np.exp(log_ratio)) - 1)


def _log_deviation(detection: Detection) -> float:
    """Relative deviation of a block's amplitude, as its interval has it."""
    assert detection.amplitude_uv is not None
    if detection.amplitude_ci_uv is None:
        return _VARIES
    low, high = detection.amplitude_ci_uv
    return float((high - low) / (2 * _DEVIATIONS_95 * detection.amplitude_uv))
