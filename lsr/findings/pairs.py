"""Which channels make pairs with a stimulus set, and what does a response in each mean?

Conventions
-----------
Only the side that was stimulated counts. What the settings say of a channel comes before its label, and
its relation before the anatomy table.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lsr.anatomy import Branch, Muscle, Relation, Side, branches_supplying, relation_of
from lsr.detection.detection import MWave
from lsr.errors import NoMuscle
from lsr.recording import Channel, Problem, Recording
from lsr.settings import Settings
from lsr.stimuli import BranchSource, StimulusSet
from lsr.stimuli.texts import names_other_nerve

_CLEARLY_LARGER = 1.5  # an M wave over the next branch's, to tell the stimulated branch


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A channel that records a muscle."""

    channel: int
    label: str
    muscle: Muscle | None
    side: Side | None
    relation: Relation | None  # what the user says of it; None: as the anatomy table says


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A stimulus set and a site."""

    site: Site
    relation: Relation


def find_sites(recording: Recording, settings: Settings) -> tuple[Site, ...]:
    """Channels whose muscle can be told, or that the user gives a relation.

    Raises
    ------
    NoMuscle
        There is none.
    UnknownUnit
        One of them comes in a unit that is no voltage.
    """
    sites = []
    for channel in recording.channels:
        site = _site_of(channel, settings)
        if site is not None:
            recording.require_voltage(channel.index)
            sites.append(site)
    if not recording.channels:
        raise NoMuscle(
            f"{recording.name}: holds no channel, only annotations; name the file that holds the EMG"
        )
    if not sites:
        labels = [channel.label for channel in recording.channels]
        raise NoMuscle(
            f"{recording.name}: no channel's muscle can be told from its label "
            f"({', '.join(map(repr, labels[:12]))}); say it in the configuration: "
            f"[channels] {json.dumps(labels[0], ensure_ascii=False)} = "
            '{ muscle = "mentalis", side = "right" }'
        )
    return tuple(sites)


def _site_of(channel: Channel, settings: Settings) -> Site | None:
    """What a channel records, as settings or label say; None where that is no muscle, or it is ignored."""
    said = settings.channels.get(channel.label)
    relation = Relation(said.relation) if said and said.relation else None
    muscle = (said.muscle if said else None) or channel.muscle
    if relation is Relation.IGNORE or (muscle is None and relation is None):
        return None
    side = (said.side if said else None) or channel.side
    return Site(channel=channel.index, label=channel.label, muscle=muscle, side=side, relation=relation)


def find_without_voltage(recording: Recording, settings: Settings) -> tuple[Problem, ...]:
    """Tell of muscles whose channel comes in no voltage that is known: an analysis refuses these."""
    return tuple(
        Problem(
            code="no_voltage",
            message=(
                f"channel {channel.label!r} is taken for a muscle, but its unit {channel.unit!r} and "
                "calibration tell no voltage: an analysis is refused; correct them in the file, or leave the "
                "channel out: "
                f'[channels] "{channel.label}" = {{ relation = "ignore" }}'
            ),
        )
        for channel in recording.channels
        if not channel.is_voltage and _site_of(channel, settings) is not None
    )


def find_missing_channels(recording: Recording, settings: Settings) -> tuple[Problem, ...]:
    """Tell of settings for channels that the recording does not have: a label may be misspelt.

    One table of settings may serve several montages, so this is no error.
    """
    labels = {channel.label for channel in recording.channels}
    plain = {label.lower(): label for label in labels}
    missing = []
    for label in sorted(settings.channels.keys() - labels):
        near = difflib.get_close_matches(label.lower(), plain, n=1, cutoff=0.8)
        missing.append(f"{label!r} (did you mean {plain[near[0]]!r}?)" if near else repr(label))
    if not missing:
        return ()
    message = f"the settings name channels that the recording does not have: {', '.join(missing)}"
    return (Problem(code="channel_not_there", message=message),)


def name_branch(
    stimuli: StimulusSet,
    sites: Sequence[Site],
    m_waves: Mapping[int, MWave],
    turns: tuple[Site, Site] | None = None,
) -> tuple[StimulusSet, tuple[Problem, ...]]:
    """Fill in the side and branch that nobody states, from the muscle with the largest M wave.

    Parameters
    ----------
    stimuli : StimulusSet
    sites : sequence of Site
    m_waves : mapping of int to MWave
        By channel.
    turns : tuple[Site, Site] | None
        Two muscles that answer different stimuli: then the largest M wave tells nothing.

    Returns
    -------
    StimulusSet
        Unchanged where everything is stated.
    tuple[Problem, ...]
        What was inferred, or why it could not be.
    """
    problems: list[Problem] = []
    known = [site for site in sites if site.muscle and (m_waves[site.channel].amplitude_uv or 0) > 0]
    branch, side, source = stimuli.branch, stimuli.side, stimuli.branch_source
    if branch is None:
        if stimuli.text and names_other_nerve(stimuli.text):
            why = (
                "the text of its stimuli names a nerve that is no branch of the facial nerve: what answers "
                "may be a reflex, such as the blink reflex; if a branch was stimulated, give --stimulated"
            )
        elif turns is not None:
            why = _by_turns(*turns)
        else:
            branch, why = _infer_branch(known, m_waves, side)
        problems.append(
            Problem(code="branch_inferred" if branch else "branch_unknown", message=f"{stimuli.id}: {why}")
        )
        source = BranchSource.INFERRED if branch else None
    if side is None and branch is not None:
        if turns is not None and turns[0].side is not turns[1].side:
            why = _by_turns(*turns)
        else:
            side, why = _infer_side(branch, sites, known, m_waves)
        problems.append(
            Problem(code="side_inferred" if side else "side_unknown", message=f"{stimuli.id}: {why}")
        )
    return replace(stimuli, branch=branch, side=side, branch_source=source), tuple(problems)


def _by_turns(one: Site, other: Site) -> str:
    return (
        f"what was stimulated is not stated, and now {one.label!r} shows an M wave, now {other.label!r}: two "
        "branches or sides may have been stimulated by turns; [[stimulation]] tables with an annotation or "
        "window_s each tell them apart"
    )


def _infer_branch(
    known: Sequence[Site], m_waves: Mapping[int, MWave], side: Side | None
) -> tuple[Branch | None, str]:
    largest: dict[Branch, float] = {}
    for site in known:
        if side is not None and site.side not in (None, side):
            continue
        assert site.muscle is not None
        for branch in branches_supplying(site.muscle):
            largest[branch] = max(largest.get(branch, 0.0), m_waves[site.channel].amplitude_uv or 0.0)
    if not largest:
        return None, "the stimulated branch is not stated and no muscle shows an M wave; give --stimulated"
    ranked = sorted(largest, key=lambda branch: -largest[branch])
    if len(ranked) > 1 and largest[ranked[0]] < _CLEARLY_LARGER * largest[ranked[1]]:
        return None, (
            f"the stimulated branch is not stated and M waves are alike ({ranked[0]}: "
            f"{largest[ranked[0]]:.0f} uV, {ranked[1]}: {largest[ranked[1]]:.0f} uV); give --stimulated"
        )
    return ranked[0], (
        f"the stimulated branch is not stated; {ranked[0].replace('_', ' ')} is inferred from the largest "
        f"M wave ({largest[ranked[0]]:.0f} uV); check it, or give --stimulated"
    )


def _infer_side(
    branch: Branch, sites: Sequence[Site], known: Sequence[Site], m_waves: Mapping[int, MWave]
) -> tuple[Side | None, str]:
    sides = {site.side for site in sites if site.side}
    if len(sides) == 1:
        only = next(iter(sides))
        return only, f"the stimulated side is not stated; all channels are {only}"
    largest = {
        side: max(
            (m_waves[site.channel].amplitude_uv or 0.0)
            for site in known
            if site.side is side and relation_of(branch, site.muscle) is Relation.DIRECT
        )
        for side in Side
        if any(site.side is side and relation_of(branch, site.muscle) is Relation.DIRECT for site in known)
    }
    if len(largest) == 1 or (
        len(largest) == 2 and max(largest.values()) > _CLEARLY_LARGER * min(largest.values())
    ):
        side = max(largest, key=lambda one: largest[one])
        return side, f"the stimulated side is not stated; {side} is inferred from the M wave"
    return None, "the stimulated side cannot be told; give --stimulated"


def find_side_problems(
    stimuli: StimulusSet, sites: Sequence[Site], m_waves: Mapping[int, MWave]
) -> tuple[Problem, ...]:
    """Tell where the stated side has no channel, or the other side's direct muscles answer instead.

    Parameters
    ----------
    stimuli : StimulusSet
        With the side and branch that were stated or inferred.
    sites : sequence of Site
    m_waves : mapping of int to MWave
        By channel.
    """
    here = {site: site.side in (None, stimuli.side) for site in sites}
    if stimuli.side is None or all(here.values()):
        return ()
    largest = {True: 0.0, False: 0.0}  # M wave of a direct muscle on the stated side, on the other
    for site in sites:
        if (site.relation or relation_of(stimuli.branch, site.muscle)) is Relation.DIRECT:
            largest[here[site]] = max(largest[here[site]], m_waves[site.channel].amplitude_uv or 0.0)
    answers = largest[False] > _CLEARLY_LARGER * largest[True]
    wave = f"direct muscles on the other side show an M wave ({largest[False]:.0f} uV)"
    way_out = "check side and labels; --stimulated and [channels] correct them"
    if not any(here.values()):
        why = f"the {stimuli.side} side was stimulated, but every muscle was recorded on the other side"
        why += f", and {wave}" if answers else ""
        return (Problem(code="side_not_recorded", message=f"{stimuli.id}: {why}; {way_out}"),)
    if answers:
        why = f"the {stimuli.side} side was stimulated, but {wave}, and those on this side "
        why += f"a smaller one ({largest[True]:.0f} uV)" if largest[True] else "none"
        return (Problem(code="side_doubtful", message=f"{stimuli.id}: {why}; {way_out}"),)
    return ()


def find_pairs(stimuli: StimulusSet, sites: Sequence[Site]) -> tuple[Pair, ...]:
    """Pairs of a stimulus set: the sites on its side, with what a response there means."""
    pairs = []
    for site in sites:
        if stimuli.side and site.side and site.side is not stimuli.side:
            continue
        relation = site.relation or relation_of(stimuli.branch, site.muscle)
        if stimuli.side is None and site.relation is None and site.side is not None:
            relation = Relation.UNMAPPED
        pairs.append(Pair(site=site, relation=relation))
    return tuple(pairs)
