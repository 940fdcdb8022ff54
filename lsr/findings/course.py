"""What became of a pair's LSR during the operation?

Conventions
-----------
Blocks are in the order of time. Over all blocks of a pair, presence is asked at `alpha` shared out among
them (Bonferroni): a recording of forty blocks must not show a reappearance by chance. What lies between
is unsure, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lsr.detection.detection import Detection, Presence
from lsr.findings.findings import BlockFinding, Course, Disappearance
from lsr.recording import Problem

_MIN_SPAN_S = 600.0  # without stages, a recording this long with this many blocks is an operation
_MIN_BLOCKS = 3
_LEAST_FALL = 0.25  # of the amplitude; less is not called a reduction whatever its interval
_DEVIATIONS = 2.6  # of the log ratio: 99 %
_ALIKE = 0.6  # a fall of the M wave by this share of the LSR's, in logarithms, is a fall alike
_DECOMPRESSION = "decompression"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an LSR, and since when."""

    course: Course | None
    amplitude_change_percent: float | None
    disappeared_at: Disappearance | None
    residual: bool | None  # present at the end; None: cannot be told
    warnings: tuple[Problem, ...] = ()


def is_operation(blocks: Sequence[BlockFinding]) -> bool:
    """Whether a course can be asked for: several stages, or several blocks over a long time."""
    stages = {block.stage for block in blocks if block.stage}
    if len(stages) > 1:
        return True
    return len(blocks) >= _MIN_BLOCKS and blocks[-1].end_s - blocks[0].start_s >= _MIN_SPAN_S


def judge_course(blocks: Sequence[BlockFinding], *, alpha: float, stage_order: Sequence[str]) -> Outcome:
    """Judge the blocks of one pair.

    Parameters
    ----------
    blocks : sequence of BlockFinding
    alpha : float
        False positive rate over all blocks.
    stage_order : sequence of str
        Stages in the order of an operation.

    Returns
    -------
    Outcome
    """
    states = [_state(block.detection, alpha / len(blocks)) for block in blocks]
    sure = [k for k, state in enumerate(states) if state is not None]
    baseline = _baseline(blocks, states)
    final = states[-1]
    if baseline is None or not sure:
        message = "whether an LSR was there at baseline cannot be told"
        return _cannot_tell(Problem(code="no_baseline_verdict", message=message), final)
    if not baseline:
        return Outcome(
            course=Course.NOT_DETECTED_AT_BASELINE,
            amplitude_change_percent=None,
            disappeared_at=None,
            residual=final,
        )
    if final is None:
        message = "the last block tells neither presence nor absence, so the course cannot be told"
        return _cannot_tell(Problem(code="no_final_verdict", message=message), None)
    present = [k for k in sure if states[k]]
    if final:
        gone_between = any(not states[k] for k in sure if present[0] < k < present[-1])
        if gone_between:
            return Outcome(
                course=Course.REAPPEARED,
                amplitude_change_percent=_change(blocks, present)[0],
                disappeared_at=None,
                residual=True,
            )
        return _persisted_or_reduced(blocks, present)
    first_absent = blocks[min(k for k in sure if k > present[-1])]
    early = _before_decompression(first_absent.stage, stage_order)
    return Outcome(
        course=Course.DISAPPEARED_BEFORE_DECOMPRESSION if early else Course.DISAPPEARED,
        amplitude_change_percent=-100.0,
        disappeared_at=Disappearance(time_s=first_absent.start_s, stage=first_absent.stage),
        residual=False,
    )


def _state(detection: Detection, alpha: float) -> bool | None:
    if detection.p_value is not None and detection.p_value <= alpha:
        return True
    return False if detection.presence is Presence.ABSENT else None


def _baseline(blocks: Sequence[BlockFinding], states: Sequence[bool | None]) -> bool | None:
    """Presence in the first stage: present in any block, absent in all that can be judged."""
    first = [state for block, state in zip(blocks, states, strict=True) if block.stage == blocks[0].stage]
    if blocks[0].stage is None:
        first = [next((state for state in states if state is not None), None)]
    judged = [state for state in first if state is not None]
    return any(judged) if judged else None


def _cannot_tell(problem: Problem, final: bool | None) -> Outcome:
    return Outcome(
        course=None, amplitude_change_percent=None, disappeared_at=None, residual=final, warnings=(problem,)
    )


def _persisted_or_reduced(blocks: Sequence[BlockFinding], present: Sequence[int]) -> Outcome:
    change, excludes_none = _change(blocks, present)
    warnings: tuple[Problem, ...] = ()
    course: Course | None = Course.PERSISTED
    if change is not None and excludes_none and change <= -100 * _LEAST_FALL:
        course = Course.REDUCED
        if _m_wave_fell_alike(blocks, present, change):
            course = None
            message = (
                "LSR and M wave fell alike: a change of stimulus, electrode or anaesthesia "
                "cannot be told from a change of the LSR"
            )
            warnings = (Problem(code="m_wave_fell_alike", message=message),)
    return Outcome(
        course=course, amplitude_change_percent=change, disappeared_at=None, residual=True, warnings=warnings
    )


def _change(blocks: Sequence[BlockFinding], present: Sequence[int]) -> tuple[float | None, bool]:
    """Change of amplitude from the first to the last block with a response, and whether it is no chance."""
    first, last = blocks[present[0]].detection, blocks[present[-1]].detection
    if not first.amplitude_uv or not last.amplitude_uv:
        return None, False
    log_ratio = float(np.log(last.amplitude_uv / first.amplitude_uv))
    deviation = float(np.hypot(_log_deviation(first), _log_deviation(last)))
    return 100 * (float(np.exp(log_ratio)) - 1), abs(log_ratio) > _DEVIATIONS * deviation


def _log_deviation(detection: Detection) -> float:
    """Relative deviation of a block's amplitude: noise, and the variation from sweep to sweep."""
    assert detection.amplitude_uv is not None
    assert detection.amplitude_ci_uv is not None
    low, high = detection.amplitude_ci_uv
    noise = (high - low) / (2 * 1.96 * detection.amplitude_uv)
    sizes = [
        (sweep.amplitude_uv or 0.0) / detection.amplitude_uv
        for sweep in detection.sweeps
        if sweep.used and sweep.present is not None
    ]
    varies = float(np.std(sizes)) / np.sqrt(len(sizes)) if len(sizes) > 1 else 0.2
    return float(np.hypot(noise, varies))


def _m_wave_fell_alike(blocks: Sequence[BlockFinding], present: Sequence[int], change: float) -> bool:
    waves = [blocks[k].m_wave for k in (present[0], present[-1])]
    sizes = [wave.amplitude_uv if wave else None for wave in waves]
    if not sizes[0] or not sizes[1]:
        return False
    fall = np.log(sizes[1] / sizes[0])
    return bool(fall < _ALIKE * np.log1p(change / 100))


def _before_decompression(stage: str | None, stage_order: Sequence[str]) -> bool:
    if stage is None or stage not in stage_order or _DECOMPRESSION not in stage_order:
        return False
    return stage_order.index(stage) < stage_order.index(_DECOMPRESSION)
