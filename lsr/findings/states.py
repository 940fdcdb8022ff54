"""In which blocks was the LSR there, in which was it not, and which cannot tell?

Conventions
-----------
Blocks are in the order of time. Over all blocks of a pair, presence is asked at `alpha` shared out among
them (Bonferroni): a recording of forty blocks must not show a reappearance by chance. What lies between is
unsure, and decides nothing. Blocks too noisy to tell by themselves are asked together, as a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from lsr.detection.detection import NEARLY_PRESENT, Detection, Presence
from lsr.findings.contact import ELECTRODE_CHANGED
from lsr.findings.findings import BlockFinding
from lsr.findings.likeness import (
    SAME_M_WAVE,
    Contrast,
    Likeness,
    find_likeness,
    find_likeness_by_contrast,
    is_at_edge,
    likeness_grid,
)
from lsr.settings import DetectionSettings

_ADEQUATE = 0.5  # of the reference M wave; below, a missing LSR may be a missing stimulus
_SAME_INTENSITY = 0.8  # of the baseline's; below, a missing LSR may be a weak stimulus
_SAME_NOISE = (1 / 3, 4.0)  # of the usual; outside, the electrode may no longer be on the muscle
_CLEARLY_THERE = 0.35  # of the LSR's size, 2.5 deviations below what is measured: it is there
_DOUBTFUL = 0.5  # of the LSR's size, 2 deviations above: a block's silence is doubtful
_LITTLE = 0.4  # of the LSR's size, 2 deviations above: a block that cannot tell by itself is silent
_UNLIKE_ALPHA = 1e-3  # what is little like the LSR needs so much smaller a p-value to be one
_CLEARLY_LESS = 0.5  # of what was last seen: over all silent blocks, it is not there any more
_BIAS = 0.2  # of the LSR's size: how far a block without it may lie from 0
_LEAST_BIAS = 0.1  # the same, where what may be left is better known
_LEAST_TOGETHER = 0.05  # the same of blocks together, whose errors do not all lie on one side
_LEFT = 0.25  # of the LSR's size: what may hide in a block that is said to be without it
_SURE = 1e-3  # chance of overlooking a response in all blocks that do not show it
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Neighbouring blocks without a response in any, judged together."""

    first: int
    last: int  # included
    detection: Detection


@dataclass(frozen=True, slots=True, kw_only=True)
class States:
    """Whether the LSR was there, block by block."""

    there: tuple[bool | None, ...]  # None: cannot be told
    baseline: int | None  # the first block with an adequate M wave; None: no block proves the stimulus
    likeness: Likeness | None = None
    measured: tuple[int, ...] = ()  # blocks of which it is told how much of the LSR they hold
    faded: tuple[int, ...] = ()  # blocks that hold little of the LSR, though a small one may be there
    fallen: tuple[int, ...] = ()  # blocks that hold less than half of it
    doubtful: tuple[int, ...] = ()  # blocks that may hold half of it, or show something by themselves

    @property
    def present(self) -> tuple[int, ...]:
        """Numbers of the blocks with a response."""
        return tuple(k for k, one in enumerate(self.there) if one)


def find_blind_runs(blocks: Sequence[BlockFinding], alpha: float) -> tuple[tuple[int, int], ...]:
    """Find neighbouring blocks that show nothing, some of them too noisily to call it absent.

    Parameters
    ----------
    blocks : sequence of BlockFinding
    alpha : float
        False positive rate over all blocks.

    Returns
    -------
    tuple of (first, last)
        Runs of at least two blocks, the last included.
    """
    runs: list[tuple[int, int]] = []
    begin: int | None = None
    for k in range(len(blocks) + 1):
        silent = k < len(blocks) and _shown(blocks[k].detection, alpha / len(blocks)) is not True
        if silent and begin is None:
            begin = k
        elif not silent and begin is not None:
            if k - begin > 1 and any(is_blind(block) for block in blocks[begin:k]):
                runs.append((begin, k - 1))
            begin = None
    return tuple(runs)


def is_blind(block: BlockFinding) -> bool:
    """Whether a block has a working stimulus, but too much noise to say that there is no response."""
    found = block.detection
    unsure = found.presence is Presence.INDETERMINATE and found.p_value is not None
    told_apart = ("no_m_wave", *NEARLY_PRESENT, ELECTRODE_CHANGED)
    return unsure and found.reason not in told_apart and _has_m_wave(block)


def judge_states(
    blocks: Sequence[BlockFinding],
    settings: DetectionSettings,
    *,
    runs: Sequence[Run] = (),
    parts_uv: Sequence[np.ndarray | None] = (),
    contrasts: Sequence[Contrast] = (),
    pooled: Sequence[tuple[Detection, Sequence[int]]] = (),
    is_masked: bool = False,
) -> States:
    """Tell in which blocks a response was there.

    "Not there" needs, besides the block's own verdict, what there was at baseline: an M wave of at least
    half the size, a stimulus about as strong, and a channel that still sounds like the muscle.

    Parameters
    ----------
    blocks : sequence of BlockFinding
    settings : DetectionSettings
        Its `alpha` is the false positive rate over all blocks.
    runs : sequence of Run
        What the blind blocks of `find_blind_runs` show together.
    parts_uv : sequence of np.ndarray or None, one per block
        Averages to compare blocks by; none: they are not compared.
    contrasts : sequence of Contrast
        What the first stage shows and others do not.
    pooled : sequence of (Detection, blocks)
        What many blocks show together, to measure by where no block shows an LSR by itself.
    is_masked : bool
        Whether what single blocks show may be what all have in common: then only contrasts tell of an LSR.

    Returns
    -------
    States
    """
    alpha = settings.alpha
    there = [_shown(block.detection, alpha / len(blocks)) for block in blocks]
    if is_masked:
        there = [None if one else one for one in there]
    for run in runs:
        if run.detection.presence is Presence.ABSENT:
            for k in range(run.first, run.last + 1):
                there[k] = False if is_blind(blocks[k]) else there[k]
        elif is_present(run.detection, alpha / len(blocks)):
            there[run.first : run.last + 1] = [None] * (run.last + 1 - run.first)
    baseline = _baseline(blocks)
    reference = None if baseline is None else blocks[baseline]
    sounds_alike = _sound_alike(blocks)
    first_shown = next((k for k, one in enumerate(there) if one), len(blocks))
    answers_from_ma = _answers_from_ma(blocks, there)
    comparable = [
        k
        for k, block in enumerate(blocks)
        if reference is not None
        and sounds_alike[k]
        and _comparable(block, reference)
        and (k < first_shown or _is_strong_enough(block, answers_from_ma))
    ]
    for k in range(len(blocks)):
        if there[k] is False and k not in comparable:
            there[k] = None
    states = States(there=tuple(there), baseline=baseline)
    if not parts_uv or reference is None:
        return states
    ratios = np.array([_m_ratio(block, reference) for block in blocks])
    likeness = _by_contrast(blocks, comparable, ratios, settings, parts_uv, contrasts)
    if likeness is None and not is_masked:
        likeness = _compare(blocks, there, ratios, settings, parts_uv, pooled)
    if likeness is None:
        return states
    return _unless_shown(_weigh(blocks, states, likeness, comparable, settings), runs)


def _weigh(
    blocks: Sequence[BlockFinding],
    states: States,
    likeness: Likeness,
    comparable: Sequence[int],
    settings: DetectionSettings,
) -> States:
    """Weigh the verdicts of blocks against how much of the LSR each holds."""
    there = list(states.there)
    is_sure = any(there)  # a block shows by itself what the others are compared with
    onset_ms = _usual_onset_ms(blocks, likeness, there)
    for k, block in enumerate(blocks):
        if there[k] is True:
            is_another = _is_another(likeness, k, block, settings.alpha / len(blocks), onset_ms)
            there[k] = None if is_another else True
        elif k in comparable:
            there[k] = _by_likeness(likeness, k, block, there[k], settings, is_sure=is_sure)
    size, deviation = likeness.size, likeness.deviation
    return replace(
        states,
        there=tuple(there),
        likeness=likeness,
        measured=tuple(k for k in comparable if np.isfinite(size[k])),
        faded=tuple(
            k
            for k in comparable
            if states.there[k] is not True and size[k] + 2 * deviation[k] + likeness.bias[k] < _LITTLE
        ),
        fallen=tuple(k for k in comparable if size[k] + 2.5 * deviation[k] < _CLEARLY_LESS),
        doubtful=tuple(k for k in comparable if states.there[k] or size[k] + 2 * deviation[k] > _DOUBTFUL),
    )


def _unless_shown(states: States, runs: Sequence[Run]) -> States:
    """Call no block silent that may hold a rest of the LSR and shows a response with its neighbours."""
    shown = {
        k
        for run in runs
        if run.detection.presence is Presence.PRESENT
        for k in range(run.first, run.last + 1)
        if not holds_nothing(states, k)
    }
    there = (None if one is False and k in shown else one for k, one in enumerate(states.there))
    return replace(states, there=tuple(there))


def _by_contrast(
    blocks: Sequence[BlockFinding],
    comparable: Sequence[int],
    ratios: np.ndarray,
    settings: DetectionSettings,
    parts_uv: Sequence[np.ndarray | None],
    contrasts: Sequence[Contrast],
) -> Likeness | None:
    """Compare blocks by the largest of what the first stage shows and others do not."""
    shown = [
        one
        for one in contrasts
        if is_present(one.detection, settings.alpha / len(blocks))
        and not is_at_edge(one.detection, settings.search_window_ms)
        and set(comparable).issuperset((*one.first, *one.other))
        and _same_m_wave([blocks[k] for k in (*one.first, *one.other)])
    ]
    if not shown:
        return None
    return find_likeness_by_contrast(
        parts_uv,
        likeness_grid(settings.search_window_ms),
        max(shown, key=lambda one: one.detection.amplitude_uv or 0.0),
        np.where(np.isin(np.arange(len(blocks)), comparable), ratios, 0.0),
        [block.detection.whitened for block in blocks],
        [block.detection.presence is not Presence.PRESENT for block in blocks],
    )


def _same_m_wave(blocks: Sequence[BlockFinding]) -> bool:
    """Whether crosstalk can hardly be what differs between blocks."""
    sizes = [m_wave_uv(block) or 0.0 for block in blocks]
    return min(sizes) >= SAME_M_WAVE * max(sizes)


def _compare(
    blocks: Sequence[BlockFinding],
    there: Sequence[bool | None],
    ratios: np.ndarray,
    settings: DetectionSettings,
    parts_uv: Sequence[np.ndarray | None],
    pooled: Sequence[tuple[Detection, Sequence[int]]],
) -> Likeness | None:
    """Compare blocks with those that show an LSR by themselves, else with those that do so together."""
    anchors: Sequence[int] = [k for k, one in enumerate(there) if one and ratios[k] >= _ADEQUATE]
    shown_by = [blocks[k].detection for k in anchors]
    if not anchors:
        for found, which in pooled:
            if is_present(found, settings.alpha / len(blocks)):
                anchors, shown_by = which, [found]
                break
    edged = [is_at_edge(one, settings.search_window_ms) for one in shown_by]
    at_edge = 2 * sum(edged) >= len(edged)
    grid_ms = likeness_grid(settings.search_window_ms)
    silent = [
        None
        if _may_show(block.detection, settings.alpha, is_compared=parts is not None)
        else block.detection.whitened
        for block, parts in zip(blocks, parts_uv, strict=True)
    ]
    return find_likeness(parts_uv, grid_ms, shown_by, anchors, ratios, silent, at_edge=at_edge)


def _may_show(found: Detection, alpha: float, *, is_compared: bool) -> bool:
    """Whether a block may show the LSR, though as its nuisances are modelled it may hold none."""
    stands_out = found.p_value is not None and found.p_value <= alpha
    return found.presence is Presence.PRESENT or (stands_out and not is_compared)


def _is_another(
    likeness: Likeness, k: int, block: BlockFinding, alpha: float, onset_ms: float | None
) -> bool:
    """Whether what a block shows is little like the LSR, no rest of it, and not plain enough to be one."""
    size, deviation, bias = (float(one[k]) for one in (likeness.size, likeness.deviation, likeness.bias))
    if not size + 2 * deviation < _LITTLE:
        return False
    found = block.detection
    most_uv = (size + 2 * deviation + bias) * likeness.amplitude_uv
    if onset_ms is not None and found.onset_latency_ci_ms and size > deviation:
        low, high = found.onset_latency_ci_ms
        if low <= onset_ms <= high and (found.amplitude_uv or 0.0) <= most_uv:
            return False
    return not is_present(found, _UNLIKE_ALPHA * alpha)


def _usual_onset_ms(
    blocks: Sequence[BlockFinding], likeness: Likeness, there: Sequence[bool | None]
) -> float | None:
    """Median onset of the blocks that plainly show the LSR; None where none does."""
    onsets = [
        block.detection.onset_latency_ms
        for k, block in enumerate(blocks)
        if there[k] and likeness.size[k] > _CLEARLY_LESS and block.detection.onset_latency_ms is not None
    ]
    return float(np.median(onsets)) if onsets else None


def _by_likeness(
    likeness: Likeness,
    k: int,
    block: BlockFinding,
    own: bool | None,
    settings: DetectionSettings,
    *,
    is_sure: bool,
) -> bool | None:
    """Weigh a block's own verdict against how much of the LSR it holds."""
    size, deviation, bias = (float(one[k]) for one in (likeness.size, likeness.deviation, likeness.bias))
    if not np.isfinite(size) or block.detection.p_value is None:
        return own
    if is_present(block.detection, settings.alpha):  # though not at the level shared out among blocks
        return True if size - 1.64 * deviation > max(bias, _LEAST_BIAS) else None
    least = size - 2.5 * deviation
    if least > _CLEARLY_THERE and (is_sure or own is None) and not likeness.at_edge:
        return None if _would_show(block.detection, least * likeness.amplitude_uv) else True
    if least > (0.0 if likeness.at_edge else _BIAS):
        return None
    if own is False:
        return None if size + 2 * deviation > _DOUBTFUL else False
    if block.detection.begins_late:
        return None  # it does not hold the LSR where that was; it may hold it later
    limit_uv = block.detection.detection_limit_uv
    most_uv = min((size + 2 * deviation + bias) * likeness.amplitude_uv, limit_uv or np.inf)
    smallest_uv = min(settings.smallest_response_uv, _CLEARLY_LESS * likeness.amplitude_uv)
    little_uv = max(smallest_uv, _LEFT * likeness.amplitude_uv)
    return False if most_uv <= little_uv and size + 2 * deviation < _LITTLE else None


def _would_show(detection: Detection, amplitude_uv: float) -> bool:
    """Whether a block that shows no LSR of this size by itself would do so if there were one."""
    limit_uv = detection.detection_limit_uv
    return limit_uv is not None and limit_uv < amplitude_uv and detection.reason not in NEARLY_PRESENT


def surely_gone(
    blocks: Sequence[BlockFinding],
    states: States,
    silent: Sequence[int],
    *,
    last_seen: Sequence[int],
    alpha: float,
    power: float,
    runs: Sequence[Run] = (),
) -> bool:
    """Whether the response could hardly have been overlooked in all silent blocks.

    Parameters
    ----------
    blocks, states
    silent : sequence of int
        Blocks without the response.
    last_seen : sequence of int
        Blocks that tell its size; with the M wave it may have become smaller since.
    alpha, power : float
        Of every block's own verdict: what its detection limit was stated for.
    runs : sequence of Run
    """
    assert states.baseline is not None
    if holds_some(states, silent):
        return False
    left = _left(states, silent)
    if left is not None:
        size, deviation, bias = left
        before = max(float(states.likeness.size[list(last_seen)].mean()), 0.5) if states.likeness else 0.0
        if size + 2.5 * deviation + bias / 2 < _CLEARLY_LESS * before:
            return True
    reference = blocks[states.baseline]
    amplitude_uv = min(_least_uv(blocks[k].detection) for k in last_seen)
    misses = {
        k: _miss(amplitude_uv * _m_ratio(blocks[k], reference), blocks[k].detection, alpha, power)
        for k in silent
    }
    joint = float(np.prod(list(misses.values())))
    for run in runs:
        covered = [k for k in silent if run.first <= k <= run.last]
        if covered and run.detection.presence is Presence.ABSENT:
            ratio = min(_m_ratio(blocks[k], reference) for k in covered)
            joint = min(joint, _miss(amplitude_uv * ratio, run.detection, alpha, power))
    return joint <= _SURE


def holds_some(states: States, which: Sequence[int]) -> bool:
    """Whether blocks together hold more of the LSR than those without it can seem to."""
    left = _left(states, which)
    return left is not None and left[0] - 2.5 * left[1] > max(left[2], _LEAST_TOGETHER)


def surely_without(
    blocks: Sequence[BlockFinding], states: States, which: Sequence[int], smallest_uv: float
) -> bool:
    """Whether no response of a clinically small size is left in these blocks.

    Either one of them says so by itself, or they hold no more of the LSR together: a share of a large one may
    be a response that counts.
    """
    if any(blocks[k].detection.presence is Presence.ABSENT for k in which):
        return True
    left = _left(states, which)
    if left is None or states.likeness is None:
        return False
    size, deviation, bias = left
    return (max(size, 0.0) + 2 * deviation + bias) * states.likeness.amplitude_uv <= smallest_uv


def holds_nothing(states: States, block: int) -> bool:
    """Whether a block is known to hold next to nothing of the LSR."""
    left = _left(states, [block])
    return left is not None and left[0] + 2 * left[1] < _LEFT


def holds_more(states: States, which: Sequence[int], than: Sequence[int]) -> bool:
    """Whether blocks together hold more of the LSR than others do, as far as is known."""
    some, others = _left(states, which), _left(states, than)
    if some is None or others is None:
        return True
    return some[0] - others[0] > 2 * float(np.hypot(some[1], others[1]))


def _left(states: States, silent: Sequence[int]) -> tuple[float, float, float] | None:
    """How much of the LSR the silent blocks hold together, its deviation and bias; None: not known of any."""
    likeness = states.likeness
    rows = [] if likeness is None else [k for k in silent if np.isfinite(likeness.size[k])]
    if likeness is None or not rows:
        return None
    deviation = float(np.sqrt((likeness.deviation[rows] ** 2).mean() / len(rows)))
    return float(likeness.size[rows].mean()), deviation, float(likeness.bias[rows].mean())


def _least_uv(detection: Detection) -> float:
    return 0.0 if detection.amplitude_ci_uv is None else detection.amplitude_ci_uv[0]


def is_present(detection: Detection, alpha: float) -> bool:
    """Whether a response is there by its verdict, and at this level."""
    there = detection.presence is Presence.PRESENT
    return there and detection.p_value is not None and detection.p_value <= alpha


def _shown(detection: Detection, alpha: float) -> bool | None:
    if is_present(detection, alpha):
        return True
    return False if detection.presence is Presence.ABSENT else None


def _has_m_wave(block: BlockFinding) -> bool:
    return block.m_wave is not None and block.m_wave.presence is Presence.PRESENT


def m_wave_uv(block: BlockFinding) -> float | None:
    """Size of a block's M wave; None where there is none."""
    return block.m_wave.amplitude_uv if block.m_wave is not None and _has_m_wave(block) else None


def _baseline(blocks: Sequence[BlockFinding]) -> int | None:
    """The first block whose M wave is at least half of what the better blocks have."""
    sizes = [m_wave_uv(block) or 0.0 for block in blocks]
    if not any(sizes):
        return None
    usual = float(np.quantile([size for size in sizes if size], 0.75))
    return next(k for k, size in enumerate(sizes) if size >= _ADEQUATE * usual)


def _m_ratio(block: BlockFinding, reference: BlockFinding) -> float:
    """M wave against the reference's, at most 1."""
    size, usual = m_wave_uv(block), m_wave_uv(reference)
    return min(1.0, size / usual) if size and usual else 0.0


def _sound_alike(blocks: Sequence[BlockFinding]) -> list[bool]:
    """Per block: is its noise that of the others? Else its electrode may no longer be on the muscle.

    Noise before the stimulus, where it is known: that of the whole sweep rises where responses vary, and
    falls with them when they are lost.
    """
    noises = [block.rest_uv for block in blocks if block.detection.noise_uv]
    at_rest = all(noises)
    told = [block.rest_uv if at_rest else block.detection.noise_uv for block in blocks]
    known = [noise for noise in told if noise]
    usual_uv = float(np.median(known)) if known else 0.0
    least, most = _SAME_NOISE
    return [least * usual_uv <= (noise or 0.0) <= most * usual_uv for noise in told]


def _comparable(block: BlockFinding, reference: BlockFinding) -> bool:
    if _m_ratio(block, reference) < _ADEQUATE or block.detection.reason == ELECTRODE_CHANGED:
        return False
    return is_as_strong(block.intensity_ma, reference.intensity_ma)


def is_as_strong(intensity_ma: float | None, reference_ma: float | None) -> bool:
    """Whether a current is no weaker than another, as far as both are told."""
    return intensity_ma is None or reference_ma is None or intensity_ma >= _SAME_INTENSITY * reference_ma


def _answers_from_ma(blocks: Sequence[BlockFinding], there: Sequence[bool | None]) -> float | None:
    """The weakest current to which an LSR is seen; None where one is seen that tells of no current."""
    currents = [_answered_ma(block) for block, one in zip(blocks, there, strict=True) if one]
    told = [one for one in currents if one is not None]
    return min(told) if told and len(told) == len(currents) else None


def _answered_ma(block: BlockFinding) -> float | None:
    return block.intensity_ma if block.answered_ma is None else block.answered_ma


def _is_strong_enough(block: BlockFinding, answers_from_ma: float | None) -> bool:
    """Whether a block's current is one to which the LSR is seen, or as strong."""
    strong_ma = block.intensity_ma if block.quartiles_ma is None else block.quartiles_ma[1]
    if strong_ma is None or answers_from_ma is None:
        return True
    return strong_ma >= _SAME_INTENSITY * answers_from_ma


def is_weaker(block: BlockFinding, reference: BlockFinding) -> bool:
    """Whether a quarter of a block's stimuli are plainly weaker than those that show the LSR in another."""
    weak_ma = block.intensity_ma if block.quartiles_ma is None else block.quartiles_ma[0]
    answered_ma = _answered_ma(reference)
    return weak_ma is not None and answered_ma is not None and weak_ma < _SAME_INTENSITY * answered_ma


def is_stimulated_alike(block: BlockFinding, reference: BlockFinding) -> bool:
    """Whether M wave and current suffice to hold a block's silence against what another shows."""
    return _m_ratio(block, reference) >= _ADEQUATE and is_as_strong(
        block.intensity_ma, reference.intensity_ma
    )


def count_until_lost(blocks: Sequence[BlockFinding], there: Sequence[bool | None]) -> int:
    """Count the blocks before the first without the LSR whose stimuli are as strong as those that showed it.

    Parameters
    ----------
    blocks : sequence of BlockFinding
    there : sequence of bool or None, one per block
        As `States.there`.
    """
    for k, block in enumerate(blocks):
        shown = [blocks[one] for one in range(k) if there[one]]
        if there[k] is False and any(is_stimulated_alike(block, one) for one in shown):
            return k
    return len(blocks)


def _miss(amplitude_uv: float, detection: Detection, alpha: float, power: float) -> float:
    """Chance that a block with this detection limit overlooks a response.

    Its statistic is taken for normal, shifted in proportion to the response: at the limit, by what gives
    the stated power.
    """
    if not detection.detection_limit_uv:
        return 1.0
    threshold = _NORMAL.inv_cdf(1 - alpha)
    at_limit = threshold + _NORMAL.inv_cdf(power)
    return _NORMAL.cdf(threshold - at_limit * amplitude_uv / detection.detection_limit_uv)
