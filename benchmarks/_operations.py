"""Operations to be judged: what becomes of the LSR, what disturbs, and which answers are right.

Conventions
-----------
Five stages; blocks of 20 stimuli, two or three a stage. SNR is the LSR's smallest amplitude while it is
there (peak to peak, over answered stimuli) in standard deviations of a sweep's noise. What the muscles
answer is drawn apart from what they do not, so that a relaxant can weaken it and an electrode lose it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lsr.anatomy import Branch, Muscle, Side
from lsr.recording import Annotation, Recording, Segment
from lsr.synthetic.recording import (
    ChannelPlan,
    RecordingPlan,
    ResponsePlan,
    StimulationPlan,
    draw_recording,
)
from lsr.synthetic.streams import stream

STAGES = (
    ("baseline", "Baseline"),
    ("opening", "Dura opening"),
    ("arachnoid_dissection", "Arachnoid dissection"),
    ("decompression", "Decompression"),
    ("closing", "Closing"),
)
FATES = ("vanish", "vanish_early", "shrink", "persist", "reappear", "never")
DISTURBANCES = (
    "none",
    "M wave lost for a stage",
    "M wave lost at the end",
    "relaxant for a stage",
    "relaxant at the end",
    "electrode off at the end",
)
UNTOLD = "cannot be told"
_UNDISTURBED = 0.5  # of all operations
_PER_BLOCK = 20
_BLOCK_GAP_S = 60.0
_BEFORE_S, _AFTER_S = 0.03, 0.09
_RATE_HZ = 8000.0
_WORDS = {
    "vanish": "disappeared",
    "vanish_early": "disappeared_before_decompression",
    "shrink": "reduced",
    "persist": "persisted",
    "reappear": "reappeared",
    "never": "not_detected_at_baseline",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation, and what is right to say of it."""

    number: int
    fate: str
    disturbance: str
    snr: float
    block_stage: tuple[int, ...]  # which of STAGES each block lies in
    scale: np.ndarray  # (n_blocks,): size of the LSR
    gone_at: int | None  # first block without it
    disturbed: tuple[int, ...]  # blocks
    right: tuple[str, ...]  # the first is the state, the others are no error

    @property
    def times_s(self) -> np.ndarray:
        """When the stimuli were given."""
        rng = stream(self.number, "times")
        starts = 1.0 + _BLOCK_GAP_S * np.arange(len(self.block_stage))
        within = np.cumsum(rng.uniform(0.21, 0.24, (len(self.block_stage), _PER_BLOCK)), axis=1)
        return np.round((starts[:, None] + within).ravel(), 6)


def plan_operation(number: int) -> Operation:
    """Draw what happens in operation `number`."""
    rng = stream(number, "operation")
    fate = FATES[number % len(FATES)]
    per_stage = rng.integers(2, 4, len(STAGES))
    block_stage = np.repeat(np.arange(len(STAGES)), per_stage)
    n_blocks = block_stage.size
    snr = float(np.exp(rng.uniform(np.log(3.0), np.log(30.0))))
    scale, gone_at = _course(rng, fate, block_stage)
    disturbance = "none"
    if rng.random() > _UNDISTURBED:
        disturbance = str(rng.choice(DISTURBANCES[1:]))
    disturbed: np.ndarray = np.array([], dtype=int)
    if disturbance.endswith("stage"):
        stage = 2 if fate in ("vanish_early", "reappear") else 1
        disturbed = np.flatnonzero(block_stage == stage)
    elif disturbance != "none":
        disturbed = np.flatnonzero(block_stage == len(STAGES) - 1)
    if gone_at is not None and gone_at in disturbed:
        gone_at = int(disturbed[-1]) + 1 if disturbed[-1] + 1 < n_blocks else None
    return Operation(
        number=number,
        fate=fate,
        disturbance=disturbance,
        snr=snr,
        block_stage=tuple(int(one) for one in block_stage),
        scale=scale,
        gone_at=gone_at,
        disturbed=tuple(int(one) for one in disturbed),
        right=_right(_WORDS[fate] if gone_at is None else _gone(block_stage[gone_at]), disturbance),
    )


def _course(rng: np.random.Generator, fate: str, block_stage: np.ndarray) -> tuple[np.ndarray, int | None]:
    """Size of the LSR in each block, and the first block without it."""
    n_blocks = block_stage.size
    drift = np.exp(np.cumsum(rng.normal(0.0, 0.02, n_blocks)))
    if fate == "never":
        return np.zeros(n_blocks), None
    if fate in ("persist", "shrink"):
        end = rng.uniform(0.9, 1.1) if fate == "persist" else rng.uniform(0.15, 0.5)
        from_block = int(rng.choice(np.flatnonzero(block_stage >= 2)))
        steps = max(1, np.flatnonzero(block_stage == 4)[0] - from_block)
        shrinking = np.interp(np.arange(n_blocks), [from_block - 1, from_block - 1 + steps], [1.0, end])
        return shrinking * drift, None
    stages = {"vanish": (3,), "vanish_early": (1, 2), "reappear": (1,)}[fate]
    gone_at = int(rng.choice(np.flatnonzero(np.isin(block_stage, stages))))
    scale = drift.copy()
    if rng.random() < 0.5:
        scale[gone_at - 1] *= 0.6
    scale[gone_at:] = 0.0
    if fate != "reappear":
        return scale, gone_at
    back = int(rng.choice(np.flatnonzero(block_stage == 3)))
    scale[max(back, gone_at + 1) :] = rng.uniform(0.5, 1.0)
    return scale, None


def _gone(stage: int) -> str:
    return "disappeared_before_decompression" if stage < 3 else "disappeared"


def _right(word: str, disturbance: str) -> tuple[str, ...]:
    """The state, and what else is no error."""
    if not disturbance.endswith("end") or word.startswith(("disappeared", "not_detected")):
        return (word,)
    if disturbance.startswith("relaxant"):  # what is still seen may be called by its name
        return (UNTOLD, word)
    return (UNTOLD,)


def draw_operation(operation: Operation) -> tuple[Recording, str]:
    """The recording of an operation, with its stages as annotations, and the label of its target."""
    rng = stream(operation.number, "recording")
    side = Side.RIGHT
    labels = {Muscle.ORBICULARIS_OCULI: "R O.Oculi", Muscle.MENTALIS: "R Mentalis"}
    channels = tuple(
        ChannelPlan(
            label=label,
            muscle=muscle,
            side=side,
            noise_uv=float(rng.uniform(3.0, 7.0)),
            spike_uv=float(rng.uniform(500.0, 2500.0)),
            tail_uv=float(rng.uniform(10.0, 80.0)),
            hum_uv=float(rng.uniform(0.0, 4.0)),
        )
        for muscle, label in labels.items()
    )
    times_s = operation.times_s
    there = operation.scale[operation.scale > 0]
    smallest = float(there.min()) if there.size else 1.0
    stimulation = StimulationPlan(
        side=side, branch=Branch.ZYGOMATIC, times_s=times_s, text="Stim R zygomatic"
    )
    crosstalk_uv = float(rng.uniform(0.0, 40.0))
    m_wave = ResponsePlan(stimulation=0, channel=0, m_wave_uv=float(rng.uniform(700.0, 2200.0)))
    lsr = ResponsePlan(
        stimulation=0,
        channel=1,
        crosstalk_uv=crosstalk_uv,
        lsr_uv=operation.snr * channels[1].noise_uv / smallest if there.size else 0.0,
        lsr_latency_ms=float(np.clip(rng.normal(9.76, 1.1), 7.6, 12.3)),
        lsr_scale=np.repeat(operation.scale, _PER_BLOCK),
        morphology=str(rng.choice(["monophasic", "polyphasic"])),
        persistence=float(rng.uniform(0.7, 1.0)),
        jitter_ms=float(rng.uniform(0.08, 0.3)),
        amplitude_cv=float(rng.uniform(0.1, 0.3)),
    )
    starts = np.round((times_s - _BEFORE_S) * _RATE_HZ) / _RATE_HZ
    plan = RecordingPlan(
        scenario="operation",
        description="",
        rate_hz=_RATE_HZ,
        stretches_s=np.column_stack([starts, starts + _BEFORE_S + _AFTER_S]),
        channels=channels,
        stimulation=(stimulation,),
        responses=(m_wave, lsr),
        family="any",
        mains_hz=float(rng.choice([50.0, 60.0])),
    )
    silent = (ResponsePlan(stimulation=0, channel=0), ResponsePlan(stimulation=0, channel=1))
    whole = draw_recording(plan, seed=operation.number)
    emg = whole.emg_uv
    if operation.disturbed:
        rest = draw_recording(replace(plan, responses=silent), seed=operation.number)
        emg = _disturb(operation, rest.emg_uv, emg - rest.emg_uv, whole.first_sample)
    bounds = [Segment(start_s=float(start), stop_s=float(stop)) for start, stop in plan.stretches_s]
    first_of_stage = [operation.block_stage.index(stage) for stage in range(len(STAGES))]
    texts = [
        (float(times_s[block * _PER_BLOCK]) - 0.1, STAGES[stage][1])
        for stage, block in enumerate(first_of_stage)
    ]
    texts += [(float(time_s), "Stim R zygomatic") for time_s in times_s]
    recording = Recording.from_arrays(
        list(emg.astype(np.float32)),
        rates_hz=_RATE_HZ,
        labels=[channel.label for channel in channels],
        segments=bounds,
        annotations=[Annotation(time_s=time_s, duration_s=None, text=text) for time_s, text in sorted(texts)],
        name=f"operation {operation.number}",
    )
    return recording, channels[1].label


def _disturb(
    operation: Operation, rest_uv: np.ndarray, muscle_uv: np.ndarray, first_sample: np.ndarray
) -> np.ndarray:
    """Put together what muscles answer and everything else, disturbed where the operation says so."""
    emg_uv = rest_uv + muscle_uv
    rng = stream(operation.number, "disturbance")
    left, more = rng.uniform(0.15, 0.4), rng.uniform(1.0, 1.4)
    for block in operation.disturbed:
        first, stop = first_sample[block * _PER_BLOCK], first_sample[(block + 1) * _PER_BLOCK]
        rows = slice(int(first), int(stop))
        if operation.disturbance.startswith("M wave"):  # the stimulus no longer reaches the nerve
            emg_uv[:, rows] = rest_uv[:, rows]
        elif operation.disturbance.startswith("relaxant"):
            weaker = np.array([left, left**more])[:, None]
            emg_uv[:, rows] = rest_uv[:, rows] + weaker * muscle_uv[:, rows]
        else:  # the target's electrode is off: noise and hum of an open lead, or next to nothing of a short
            n = rest_uv[:, rows].shape[1]
            is_open = operation.number % 2 == 0
            hum = 300.0 * np.sin(2 * np.pi * 50 * np.arange(n) / _RATE_HZ) if is_open else 0.0
            emg_uv[1, rows] = rng.normal(0.0, 25.0 if is_open else 0.8, n) + hum
    return emg_uv
