"""How did the amplitude change between two blocks, and is it the LSR that changed?

Conventions
-----------
Changes are percent of the first block: -100 is gone, 0 unchanged. Sizes are taken for normal, and so is their
ratio.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lsr.findings.findings import BlockFinding
from lsr.findings.likeness import Likeness
from lsr.findings.states import m_wave_uv
from lsr.intervals import DEVIATIONS

_DEVIATIONS_99 = 2.58  # what a change has to exceed to be no chance
_LEAST_FALL = 0.25  # of the amplitude; less is not called a reduction whatever its interval
_ALIKE = 0.5  # a fall of the M wave by this share of the LSR's, in logarithms, is a fall alike
LEAST_M_FALL = 0.15  # of the M wave; less is not called a fall
_LEAST_OF_OWN = 0.7  # of the blocks' own amplitudes: how much of the LSR the compared waveform holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Of the amplitude, from one block to another."""

    percent: float
    interval_percent: tuple[float, float]  # 95 %
    is_reduction: bool  # at least a quarter, and no chance
    fell_with_m_wave: bool


def find_change(
    blocks: Sequence[BlockFinding],
    first: Sequence[int],
    last: Sequence[int],
    likeness: Likeness | None = None,
) -> Change | None:
    """Change of amplitude from the first blocks to the last ones with a response.

    Blocks are compared by their amplitudes, or by how much of the LSR each holds: where one of them has no
    amplitude of its own, and where only that excludes that nothing changed. The first blocks count together
    as far on, the last as far back, as they do not differ: an LSR varies, and one block may show it large or
    small by chance.

    Parameters
    ----------
    blocks : sequence of BlockFinding
    first : sequence of int
        The baseline and the blocks after it with a response, in the order of time.
    last : sequence of int
        Blocks at the end, in the order of time.
    likeness : Likeness | None

    Returns
    -------
    Change | None
        None where nothing tells both sizes.
    """
    own = _ratio([_amplitude(block) for block in blocks], first, last)
    compared = _ratio([_likeness_of(likeness, k) for k in range(len(blocks))], first, last)
    if own is not None and likeness is not None and likeness.amplitude_uv < _LEAST_OF_OWN * own.before.value:
        compared = None  # what was compared is a part of the LSR
    ratios = [ratio for ratio in (own, compared) if ratio is not None]
    if not ratios:
        return None
    chosen = next((ratio for ratio in ratios if ratio.is_reduction), ratios[0])
    return Change(
        percent=100 * (chosen.value - 1),
        interval_percent=(100 * (chosen.end(-DEVIATIONS) - 1), 100 * (chosen.end(DEVIATIONS) - 1)),
        is_reduction=chosen.is_reduction,
        fell_with_m_wave=_fell_with_m_wave(blocks, first[0], last[-1], chosen.value),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    """Size of the LSR in a block, or in several."""

    value: float
    deviation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ratio:
    """Size after over size before."""

    before: _Size
    after: _Size

    @property
    def value(self) -> float:
        return self.after.value / self.before.value

    def end(self, deviations: float) -> float:
        """The ratio so many deviations away."""
        deviation = float(np.hypot(self.after.deviation, self.value * self.before.deviation))
        return max(0.0, self.value + deviations * deviation / self.before.value)

    @property
    def is_reduction(self) -> bool:
        return self.value <= 1 - _LEAST_FALL and self.end(_DEVIATIONS_99) < 1


def _ratio(sizes: Sequence[_Size | None], first: Sequence[int], last: Sequence[int]) -> _Ratio | None:
    """Ratio of what the last blocks hold to what the first do; None where one of them is not known."""
    before, after = _together([sizes[k] for k in reversed(first)]), _together([sizes[k] for k in last])
    if before is None or after is None or before.value <= 0 or after.value <= 0:
        return None
    return _Ratio(before=before, after=after)


def _amplitude(block: BlockFinding) -> _Size | None:
    """Amplitude of a block; None where it has none."""
    found = block.detection
    if not found.amplitude_uv or found.amplitude_ci_uv is None:
        return None
    low, high = found.amplitude_ci_uv
    return _Size(value=found.amplitude_uv, deviation=(high - low) / (2 * DEVIATIONS))


def _likeness_of(likeness: Likeness | None, block: int) -> _Size | None:
    """How much of the LSR a block holds; None where that is not known."""
    if likeness is None or not np.isfinite(likeness.size[block]):
        return None
    return _Size(value=float(likeness.size[block]), deviation=float(likeness.deviation[block]))


def _together(sizes: Sequence[_Size | None]) -> _Size | None:
    """Mean of the last size and of those next to it that do not differ."""
    if sizes[-1] is None:
        return None
    alike = [sizes[-1]]
    for one in reversed(sizes[:-1]):
        if one is None:
            continue
        value = float(np.mean([each.value for each in alike]))
        deviation = float(np.linalg.norm([each.deviation for each in alike])) / len(alike)
        if abs(one.value - value) > _DEVIATIONS_99 * np.hypot(one.deviation, deviation):
            break
        alike.append(one)
    return _mean(alike)


def _mean(sizes: Sequence[_Size]) -> _Size:
    """Mean of several sizes; its deviation is not less than they differ."""
    values = np.array([one.value for one in sizes])
    each = float(np.linalg.norm([one.deviation for one in sizes])) / len(sizes)
    between = float(values.std(ddof=1)) / np.sqrt(len(sizes)) if len(sizes) > 1 else 0.0
    return _Size(value=float(values.mean()), deviation=max(each, float(between)))


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
