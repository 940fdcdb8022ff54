"""Does a channel still see the stimulus as it did where it showed an LSR?

Conventions
-----------
An electrode that has come off shows hum or noise: no artifact, no crosstalk, and no LSR either, which must
not pass for an LSR that is gone. Sizes are microvolts, peak to peak; what other channels lost as well, as
with a weaker stimulus, counts for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from lsr.detection.detection import Presence
from lsr.detection.noise import median_energy
from lsr.detection.prepare import EARLIEST_MS
from lsr.findings.findings import BlockFinding, Seen

ELECTRODE_CHANGED = "electrode_changed"
_LOST = 1 / 3  # of what the channel saw: as for its noise, less is no matter of chance
_BACK = 0.6  # of it again: the electrode is on; a block just above a third is not enough
_PLAIN = 5.0  # times what noise alone spans: what was seen can be missed


class _Size(NamedTuple):
    log_uv: float
    is_plain: bool


def see_stimulus(emg_uv: np.ndarray, time_ms: np.ndarray, search_starts_ms: float) -> Seen | None:
    """Measure how large the stimulus stands in a channel: its artifact, and what follows at once.

    Parameters
    ----------
    emg_uv, time_ms : np.ndarray, shapes (n_sweeps, n_samples) and (n_samples,)
        Usable sweeps.
    search_starts_ms : float
        Until then nothing in a muscle that is not stimulated is its own response.

    Returns
    -------
    Seen | None
        None: the sweeps do not show that stretch.
    """
    artifact = (time_ms >= 0) & (time_ms < EARLIEST_MS)
    direct = (time_ms >= EARLIEST_MS) & (time_ms < search_starts_ms)
    quiet = np.flatnonzero(time_ms < -1.0)
    if quiet.size < direct.sum():
        quiet = np.flatnonzero(time_ms > time_ms[-1] - search_starts_ms)
    if emg_uv.shape[0] == 0 or min(artifact.sum(), direct.sum()) < 3:
        return None
    average = np.median(emg_uv, axis=0)  # a spasm burst in one sweep is no noise that hides the stimulus
    # Artifacts may alternate in polarity, so they are measured sweep by sweep.
    return Seen(
        artifact_uv=float(np.median(np.ptp(emg_uv[:, artifact], axis=1))),
        artifact_noise_uv=float(np.median(np.ptp(emg_uv[:, quiet[: artifact.sum()]], axis=1))),
        direct_uv=float(np.ptp(average[direct])),
        direct_noise_uv=float(np.ptp(average[quiet[: direct.sum()]])),
    )


def noise_at_rest(emg_uv: np.ndarray, before: np.ndarray) -> float | None:
    """Noise of the median sweep before its stimulus, where no response, late or early, adds to it.

    Parameters
    ----------
    emg_uv : np.ndarray, shape (n_sweeps, n_samples)
        Without hum.
    before : np.ndarray of bool, shape (n_samples,)
        The stretch before the stimulus; nothing there: None.
    """
    if not before.any():
        return None
    return float(np.sqrt(median_energy(emg_uv[:, before])))


def withhold_lost(
    own: Sequence[BlockFinding], others: Sequence[Sequence[BlockFinding]]
) -> tuple[BlockFinding, ...]:
    """Withhold the silence of blocks in which a channel sees far less of the stimulus than where it answered.

    Parameters
    ----------
    own : sequence of BlockFinding
        Of one channel, in the order of time.
    others : sequence of sequence of BlockFinding
        The same blocks in the other channels.

    Returns
    -------
    tuple of BlockFinding
        Blocks without a response that cannot tell are indeterminate, `electrode_changed`.
    """
    answered = [k for k, block in enumerate(own) if block.detection.presence is Presence.PRESENT]
    lost = np.zeros(len(own), bool)
    for part in range(2):
        mine = [_size(block, part) for block in own]
        usual = _usual(mine, answered)
        if usual is None:
            continue
        elsewhere = []
        for other in others:
            theirs = [_size(block, part) for block in other]
            before = _usual(theirs, answered)
            if before is not None:
                elsewhere.append([np.nan if one is None else one.log_uv - before for one in theirs])
        is_off = False
        for k, one in enumerate(mine):
            if one is not None:
                # All others have to have lost as much: several electrodes may come off, the direct one stays.
                known = [change[k] for change in elsewhere if np.isfinite(change[k])]
                fall = one.log_uv - usual - (min(0.0, max(known)) if known else 0.0)
                is_off = k not in answered and fall < np.log(_BACK if is_off else _LOST)
            lost[k] |= is_off
    return tuple(
        replace(block, detection=replace(found, presence=Presence.INDETERMINATE, reason=ELECTRODE_CHANGED))
        if is_lost and (found := block.detection).presence is not Presence.PRESENT
        else block
        for block, is_lost in zip(own, lost, strict=True)
    )


def _size(block: BlockFinding, part: int) -> _Size | None:
    if block.seen is None:
        return None
    size, noise = block.seen[2 * part : 2 * part + 2]
    free_of_noise = np.sqrt(max(size**2 - noise**2, 1e-9))  # an electrode that floats is noisier, too
    return _Size(float(np.log(free_of_noise)), size > _PLAIN * noise)


def _usual(sizes: Sequence[_Size | None], answered: Sequence[int]) -> float | None:
    """Median where the channel answered; None where it did not, or the stimulus was not plain there."""
    known = [one for k in answered if (one := sizes[k]) is not None]
    if 2 * sum(one.is_plain for one in known) <= len(known):
        return None
    return float(np.median([one.log_uv for one in known]))
