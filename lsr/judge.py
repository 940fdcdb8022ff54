"""What do the sweeps of every pair of a stimulus set show: all together, by stage, by block?

Conventions
-----------
Sweeps are cut when they are judged and dropped afterwards, so memory is bounded by the largest block, or by
the most stimuli that are judged together. Detections are kept by channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lsr.anatomy import Relation
from lsr.detection.detect import LOWEST_HZ, detect_beside, unusable
from lsr.detection.detection import Detection, MWave, Presence
from lsr.detection.m_wave import DirectMuscle, read_direct
from lsr.detection.prepare import EARLIEST_MS, Cleaned, clean, clear_times_ms
from lsr.findings.blocks import Block, count_leading, form_blocks
from lsr.findings.contact import noise_at_rest, see_stimulus, withhold_lost
from lsr.findings.course import is_operation
from lsr.findings.find import Judged
from lsr.findings.findings import BlockFinding, Seen
from lsr.findings.likeness import Contrast, likeness_grid, part_averages
from lsr.findings.pairs import Pair, Site
from lsr.findings.rare import Alike, count_alike
from lsr.findings.states import Run, find_blind_runs
from lsr.findings.threshold import Level, group_levels
from lsr.progress import Progress, untold
from lsr.recording import Recording
from lsr.settings import DetectionSettings, Settings
from lsr.stages import Stage
from lsr.stimuli import Stimulus, StimulusSet, StimulusSource
from lsr.sweeps import Cut, Sweeps, cut_sweeps

_POOLED_STIMULI = 400  # at most so many, evenly spaced, are judged together
_LEVEL_STIMULI = 60  # of one intensity: an M wave is told by fewer
_CONTRAST_STIMULI = 100  # of a stage, to be held against another
_QUARTILES = (0.25, 0.75)
_LAST_SHOWN = 3  # blocks that tell the LSR's waveform as it was last


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Where the sweeps of a stimulus set come from, and how they are judged."""

    recording: Recording
    stimuli: StimulusSet
    cut: Cut
    settings: Settings

    def sweeps(self, which: np.ndarray, channels: Sequence[int]) -> dict[int, Sweeps]:
        """Cut the chosen stimuli out of the chosen channels, by channel."""
        return cut_sweeps(self.recording, self.stimuli, self.cut, which, channels)

    def usable(self, which: np.ndarray) -> np.ndarray:
        """Return those of the stimuli that can be cut."""
        kept: np.ndarray = which[self.cut.kept[which]]
        return kept

    def some(self, which: np.ndarray | None = None, at_most: int = _POOLED_STIMULI) -> np.ndarray:
        """Choose stimuli that can be cut, evenly spaced where there are many; all of the set when None."""
        usable = self.usable(np.arange(len(self.stimuli.stimuli)) if which is None else which)
        if usable.size <= at_most:
            return usable
        spaced = np.linspace(0, usable.size - 1, at_most).round().astype(int)
        chosen: np.ndarray = usable[spaced]
        return chosen


def read_directs(
    sweeps: dict[int, Sweeps], channels: Sequence[int], settings: Settings
) -> dict[int, DirectMuscle]:
    """Read the channels as direct muscles; those of which no sweep could be cut are left out."""
    return {
        channel: read_direct(sweeps[channel].emg_uv, sweeps[channel].time_ms, settings.detection)
        for channel in channels
        if channel in sweeps
    }


def m_wave_in(read: dict[int, DirectMuscle], channel: int) -> MWave:
    """M wave of a channel; absent where no sweep of it was read, and without latencies below 2 kHz."""
    if channel not in read:
        return MWave.absent()
    wave, time_ms = read[channel].m_wave, read[channel].time_ms
    if 1e3 * (time_ms.size - 1) >= 0.999 * LOWEST_HZ * (time_ms[-1] - time_ms[0]):
        return wave
    return replace(wave, onset_latency_ms=None, peak_latency_ms=None)


def judge_set(
    material: Material,
    pairs: Sequence[Pair],
    pooled: dict[int, Sweeps],
    read: dict[int, DirectMuscle],
    stages: Sequence[Stage],
    progress: Progress = untold,
) -> list[Judged]:
    """Judge every pair of a stimulus set.

    Parameters
    ----------
    material : Material
    pairs : sequence of Pair
    pooled : dict[int, Sweeps]
        Sweeps of the stimuli that `Material.some` chooses, by channel.
    read : dict[int, DirectMuscle]
        The same as direct muscles, by channel.
    stages : sequence of Stage
    progress : Progress
        Told of every block.

    Returns
    -------
    list[Judged]
        In the order of the pairs.
    """
    judge = _Judge(material=material, pairs=pairs, directs=_direct_sites(pairs, read))
    direct = judge.proof
    whole = judge.detect(pooled, read)
    blocks = form_blocks(material.stimuli, stages, material.settings.course.block_stimuli)
    staged = any(block.stage != blocks[0].stage for block in blocks)
    first = judge.pool(_first_stage(blocks)) if staged else {}
    contrasts = judge.contrasts(blocks) if staged else {}
    if len(blocks) == 1 and int(material.cut.kept.sum()) == material.some().size:
        by_block = [judge.block_findings(blocks[0], whole, read)]
        parts_by_block = [dict.fromkeys(judge.channels)]
    else:
        judged_blocks = []
        for number, block in enumerate(blocks):
            progress(f"judging the blocks of {material.stimuli.id}", number, len(blocks))
            judged_blocks.append(judge.block(block))
        by_block = [found for found, _ in judged_blocks]
        parts_by_block = [parts for _, parts in judged_blocks]
    levels = _m_wave_levels(material, direct)
    judged = []
    for pair in pairs:
        channel = pair.site.channel
        own = withhold_lost(
            [found[channel] for found in by_block],
            [[found[one] for found in by_block] for one in judge.channels if one != channel],
        )
        runs: tuple[Run, ...] = ()
        alike: tuple[Alike | None, ...] = ()
        if pair.relation in (Relation.TARGET, Relation.AMBIGUOUS) and is_operation(own):
            runs = _judge_runs(judge, pair, blocks, own)
            alike = _count_alike(judge, pair, blocks, own)
        judged.append(
            Judged(
                stimuli=material.stimuli,
                pair=pair,
                pooled=whole[channel],
                first_stage=first.get(channel),
                contrasts=tuple(contrasts.get(channel, ())),
                runs=runs,
                alike=alike,
                blocks=own,
                parts_uv=tuple(parts[channel] for parts in parts_by_block),
                m_wave=judge.m_wave(pair, read),
                m_wave_levels=levels,
                n_too_close=int((~material.cut.kept).sum()),
                pooled_stimuli=tuple(pooled[channel].stimuli.tolist()) if channel in pooled else (),
            )
        )
    return judged


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """The pairs of a stimulus set, and the direct muscles beside which they are judged."""

    material: Material
    pairs: Sequence[Pair]
    directs: Sequence[Site]  # that with the largest M wave first

    @property
    def proof(self) -> Site | None:
        """The muscle that proves that stimuli reached the nerve."""
        return next(iter(self.directs), None)

    @property
    def channels(self) -> list[int]:
        return [pair.site.channel for pair in self.pairs]

    def pool(self, which: np.ndarray) -> dict[int, Detection]:
        """Judge stimuli together in every pair, by channel."""
        sweeps = self.material.sweeps(self.material.some(which), self.channels)
        return self.detect(sweeps, self.read(sweeps))

    def contrasts(self, blocks: Sequence[Block]) -> dict[int, list[Contrast]]:
        """Judge what the first stage shows and each other does not, in every pair with an LSR, by channel.

        Sweep by sweep, the other stage's is taken away: tails and crosstalk go, as does an LSR that stays.
        """
        stages = [block.stage for block in blocks]
        n_first = count_leading(stages)
        pairs = [pair for pair in self.pairs if pair.relation in (Relation.TARGET, Relation.AMBIGUOUS)]
        found: dict[int, list[Contrast]] = {pair.site.channel: [] for pair in pairs}
        mine = self._some_of(blocks[:n_first])
        for stage in dict.fromkeys(stages[n_first:]):
            which = tuple(k for k in range(n_first, len(blocks)) if stages[k] == stage)
            theirs = self._some_of([blocks[k] for k in which])
            kept = {
                channel: _evenly(mine[channel], theirs[channel]) for channel in mine.keys() & theirs.keys()
            }
            rest = {channel: _take_away(kept[channel], theirs[channel]) for channel in kept}
            read = self.read(kept)
            for pair in pairs:
                channel = pair.site.channel
                if channel in rest and self._is_clear(mine[channel]) and self._is_clear(theirs[channel]):
                    detection = self.detect_pair(pair, rest, read)
                    contrast = Contrast(detection=detection, first=tuple(range(n_first)), other=which)
                    found[channel].append(contrast)
        return found

    def _is_clear(self, sweeps: Sweeps) -> bool:
        """Whether no sweep is saturated for long: in a difference that could not be told any more."""
        search_ms = self.material.settings.detection.search_window_ms
        return bool((clear_times_ms(sweeps.emg_uv, sweeps.time_ms, search_ms) <= EARLIEST_MS).all())

    def _some_of(self, blocks: Sequence[Block]) -> dict[int, Sweeps]:
        which = np.concatenate([block.stimuli for block in blocks])
        return self.material.sweeps(self.material.some(which, _CONTRAST_STIMULI), self.channels)

    def block(self, block: Block) -> tuple[dict[int, BlockFinding], dict[int, np.ndarray | None]]:
        """Judge a block in every pair, by channel, and average it to be compared with others."""
        sweeps = self.material.sweeps(block.stimuli, self.channels)
        read = self.read(sweeps)
        found = self.detect(sweeps, read)
        cleaned = {channel: self._cleaned(sweeps.get(channel), found[channel]) for channel in self.channels}
        grid_ms = likeness_grid(self.material.settings.detection.search_window_ms)
        parts = {
            channel: None if one is None else part_averages(one.emg_uv, one.time_ms, grid_ms)
            for channel, one in cleaned.items()
        }
        told = self.block_findings(block, found, read)
        return {
            channel: replace(
                one,
                seen=self._seen(sweeps.get(channel), found[channel]),
                rest_uv=None if (own := cleaned[channel]) is None else noise_at_rest(own.emg_uv, own.before),
            )
            for channel, one in told.items()
        }, parts

    def _seen(self, sweeps: Sweeps | None, found: Detection) -> Seen | None:
        if sweeps is None:
            return None
        usable = np.array([sweep.used for sweep in found.sweeps], dtype=bool)
        if not usable.any():  # as in a direct muscle, of which nothing is asked
            usable = np.isfinite(sweeps.emg_uv).all(axis=1)
        search_ms = self.material.settings.detection.search_window_ms
        return see_stimulus(sweeps.emg_uv[usable], sweeps.time_ms, search_ms[0])

    def _cleaned(self, sweeps: Sweeps | None, found: Detection) -> Cleaned | None:
        """The sweeps that were used, to be compared with other blocks; None where nothing was judged."""
        used = np.array([sweep.used for sweep in found.sweeps], dtype=bool)
        if sweeps is None or found.p_value is None or used.size != sweeps.emg_uv.shape[0]:
            return None
        return _without_hum(sweeps.emg_uv[used], sweeps.time_ms, self.material.settings.detection)

    def block_findings(
        self, block: Block, found: dict[int, Detection], read: dict[int, DirectMuscle]
    ) -> dict[int, BlockFinding]:
        """What a block shows in every pair, by channel."""
        return {
            pair.site.channel: self._finding(block, found[pair.site.channel], self.m_wave(pair, read))
            for pair in self.pairs
        }

    def m_wave(self, pair: Pair, read: dict[int, DirectMuscle]) -> MWave | None:
        """M wave of a direct muscle, of others that which proves the stimulus; None: none was recorded."""
        site = pair.site if pair.relation is Relation.DIRECT else self.proof
        return m_wave_in(read, site.channel) if site else None

    def detect(self, sweeps: dict[int, Sweeps], read: dict[int, DirectMuscle]) -> dict[int, Detection]:
        """Judge sweeps in every pair, by channel."""
        return {pair.site.channel: self.detect_pair(pair, sweeps, read) for pair in self.pairs}

    def detect_pair(self, pair: Pair, sweeps: dict[int, Sweeps], read: dict[int, DirectMuscle]) -> Detection:
        """Judge sweeps in one pair."""
        own = sweeps.get(pair.site.channel)
        if own is None or own.emg_uv.shape[0] == 0:
            return unusable("touches_gap", 0)
        if own.channel.rate_hz < LOWEST_HZ:
            return unusable("rate_too_low", own.emg_uv.shape[0])
        if pair.relation is Relation.DIRECT:
            return unusable("direct_muscle", own.emg_uv.shape[0], m_wave=m_wave_in(read, pair.site.channel))
        found = detect_beside(
            self._beside(read, own), own.emg_uv, own.time_ms, self.material.settings.detection
        )
        return _of_averages(found) if self.material.stimuli.source is StimulusSource.AVERAGE else found

    def _beside(self, read: dict[int, DirectMuscle], own: Sweeps) -> list[DirectMuscle]:
        """Direct muscles that show the same stimuli: a gap may have taken others from one."""
        same = [
            one
            for site in self.directs
            if (one := read.get(site.channel)) is not None and one.emg_uv.shape[0] == own.emg_uv.shape[0]
        ]
        return same if same and same[0] is read.get(self.directs[0].channel) else []

    def read(self, sweeps: dict[int, Sweeps]) -> dict[int, DirectMuscle]:
        channels = [pair.site.channel for pair in self.pairs if pair.relation is Relation.DIRECT]
        return read_directs(sweeps, channels, self.material.settings)

    def _finding(self, block: Block, detection: Detection, m_wave: MWave | None) -> BlockFinding:
        rows = self.material.usable(block.stimuli)
        stimuli = [self.material.stimuli.stimuli[row] for row in rows]
        given = _told_ma(stimuli)
        answered = [one for one, sweep in zip(stimuli, detection.sweeps, strict=False) if sweep.present]
        answered_ma = _told_ma(answered)
        return BlockFinding(
            start_s=block.start_s,
            end_s=block.end_s,
            stage=block.stage,
            stimuli=tuple(int(row) for row in rows),
            detection=detection,
            m_wave=m_wave,
            intensity_ma=float(np.median(given)) if given else None,
            quartiles_ma=_quartiles(given) if given else None,
            answered_ma=float(np.median(answered_ma)) if answered_ma else None,
            last_answered_s=answered[-1].time_s if answered else None,
        )


def _quartiles(values: Sequence[float]) -> tuple[float, float]:
    low, high = np.quantile(values, _QUARTILES)
    return float(low), float(high)


def _told_ma(stimuli: Sequence[Stimulus]) -> list[float]:
    return [one.intensity_ma for one in stimuli if one.intensity_ma is not None]


def _without_hum(emg_uv: np.ndarray, time_ms: np.ndarray, settings: DetectionSettings) -> Cleaned:
    """Sweeps to be compared with those of other blocks, level and hum taken out.

    Hum may keep its phase to the stimuli within a block, and have another in the next.
    """
    return clean(
        emg_uv,
        time_ms,
        start_ms=EARLIEST_MS,
        search_ms=settings.search_window_ms,
        mains_hz=settings.mains_hz,
    )


def _of_averages(found: Detection) -> Detection:
    """Leave out what single sweeps alone tell: an average answers, though most of its stimuli may not."""
    return replace(found, persistence=None, persistence_ci=None, latency_jitter_ms=None)


def _evenly(sweeps: Sweeps, others: Sweeps) -> Sweeps:
    """As many of the sweeps as both have, evenly spaced."""
    n_sweeps = sweeps.emg_uv.shape[0]
    n_both = min(n_sweeps, others.emg_uv.shape[0])
    rows = np.linspace(0, n_sweeps - 1, n_both).round().astype(int)
    return replace(sweeps, emg_uv=sweeps.emg_uv[rows], stimuli=sweeps.stimuli[rows])


def _take_away(sweeps: Sweeps, others: Sweeps) -> Sweeps:
    """Sweeps without what others hold: no more than the others."""
    return replace(sweeps, emg_uv=sweeps.emg_uv - _evenly(others, sweeps).emg_uv)


def _judge_runs(
    judge: _Judge, pair: Pair, blocks: Sequence[Block], own: Sequence[BlockFinding]
) -> tuple[Run, ...]:
    """Judge together the neighbouring blocks that were too noisy to tell by themselves."""
    channels = [pair.site.channel, *(site.channel for site in judge.directs)]
    runs = []
    for first, last in find_blind_runs(own, judge.material.settings.detection.alpha):
        which = np.concatenate([block.stimuli for block in blocks[first : last + 1]])
        sweeps = judge.material.sweeps(judge.material.some(which), channels)
        runs.append(
            Run(first=first, last=last, detection=judge.detect_pair(pair, sweeps, judge.read(sweeps)))
        )
    return tuple(runs)


def _count_alike(
    judge: _Judge, pair: Pair, blocks: Sequence[Block], own: Sequence[BlockFinding]
) -> tuple[Alike | None, ...]:
    """Count the single sweeps that hold the LSR in each block that shows none; None for the others."""
    channel, detection = pair.site.channel, judge.material.settings.detection

    def cut(rows: Sequence[int]) -> Cleaned | None:
        """Whole sweeps of some blocks, level and hum taken out."""
        which = judge.material.some(np.concatenate([blocks[k].stimuli for k in rows]))
        sweeps = judge.material.sweeps(which, [channel]).get(channel)
        if sweeps is None or not (usable := np.isfinite(sweeps.emg_uv).all(axis=1)).any():
            return None
        return _without_hum(sweeps.emg_uv[usable], sweeps.time_ms, detection)

    shown = [k for k, block in enumerate(own) if block.detection.presence is Presence.PRESENT]
    answered = cut(shown[-_LAST_SHOWN:]) if shown else None
    onset_ms = own[shown[-1]].detection.onset_latency_ms if shown else None
    counts: list[Alike | None] = [None] * len(own)
    if answered is None or onset_ms is None:
        return tuple(counts)
    for k in range(shown[0] + 1, len(own)):
        silent = cut([k]) if k not in shown and own[k].detection.p_value is not None else None
        if silent is not None:
            counts[k] = count_alike(silent.emg_uv, answered.emg_uv, silent.time_ms, onset_ms)
    return tuple(counts)


def _first_stage(blocks: Sequence[Block]) -> np.ndarray:
    """Stimuli of the leading blocks, those of the baseline."""
    n_first = count_leading([block.stage for block in blocks])
    return np.concatenate([block.stimuli for block in blocks[:n_first]])


def _m_wave_levels(material: Material, direct: Site | None) -> tuple[Level, ...]:
    """The M wave at each intensity; empty where intensities do not vary.

    One is left out of which no sweep could be cut, or whose M wave the artifact hides: it is not known there,
    which is not the same as none.
    """
    if direct is None:
        return ()
    levels = []
    for ma, which in group_levels([one.intensity_ma for one in material.stimuli.stimuli]):
        sweeps = material.sweeps(material.some(which, _LEVEL_STIMULI), [direct.channel])
        read = read_directs(sweeps, [direct.channel], material.settings).get(direct.channel)
        if read is None or read.is_hidden:
            continue
        n_given, amplitude_uv = read.emg_uv.shape[0], read.m_wave.amplitude_uv or 0.0
        levels.append(
            Level(
                intensity_ma=ma,
                n_stimuli=n_given,
                n_answered=n_given if amplitude_uv else 0,
                amplitude_uv=amplitude_uv,
            )
        )
    return tuple(levels)


def _direct_sites(pairs: Sequence[Pair], read: dict[int, DirectMuscle]) -> list[Site]:
    """The direct muscles, that with the largest M wave first."""
    direct = [pair.site for pair in pairs if pair.relation is Relation.DIRECT]
    return sorted(direct, key=lambda site: m_wave_in(read, site.channel).amplitude_uv or 0.0, reverse=True)
