"""Labels: which side and which muscle a channel's free text speaks of.

Conventions
-----------
Labels are free text, cut at 16 characters by the format; case and order do not matter, with one
exception: "OOr" in mixed case is orbicularis oris, while "OOR" may as well be "OO, right". What a label
does not tell for sure is None: the configuration says it then. Nothing is guessed from the neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from lsr.anatomy import Muscle, Side


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Forms that are family names as well (Izquierdo) are left out: texts of known words alone are quoted.
SIDE_WORDS: dict[str, Side] = {
    **dict.fromkeys(
        _words(
            "r rt re right rechts rechte rechter dx dext dexter droit droite destra derecha dcha dcho direita"
        ),
        Side.RIGHT,
    ),
    **dict.fromkeys(
        _words(
            "l lt li left links linke linker sx sin sinister gauche sinistra izquierda izq izda izdo esquerda"
        ),
        Side.LEFT,
    ),
}


# Words that make a label speak of something other than the EMG of a muscle.
_OTHER_SIGNALS = _words(
    "eeg ecg ekg eog bis stim stimulus stimulation stimulator trig trigger dtrig status sti dc ttl event "
    "marker annotations resp flow airflow spo pleth nerve nervus n facialis position pressure snore audio"
)
# Words that make it speak of a muscle that is not told apart here, whatever else it says.
_OTHER_MUSCLES = _words(
    "labii lab zyg zygomaticus zygomatic risorius procerus corrugator buccinator sub submental lev levator"
)

# Full name of a muscle, and how few of its first letters still tell it.
_NAMES: tuple[tuple[str, int, Muscle], ...] = (
    ("frontalis", 5, Muscle.FRONTALIS),
    ("oculi", 4, Muscle.ORBICULARIS_OCULI),
    ("nasalis", 6, Muscle.NASALIS),
    ("oris", 4, Muscle.ORBICULARIS_ORIS),
    ("mentalis", 4, Muscle.MENTALIS),
    ("platysma", 4, Muscle.PLATYSMA),
    ("masseter", 4, Muscle.MASSETER),
    ("temporalis", 9, Muscle.TEMPORALIS),  # "temporal" may be a branch or a scalp electrode
)
# Told for sure only beside a side or "EMG": alone they may be airflow or a scalp electrode.
_TOLD_IN_COMPANY = {
    "frontal": Muscle.FRONTALIS,
    "nas": Muscle.NASALIS,
    "nasa": Muscle.NASALIS,
    "nasal": Muscle.NASALIS,
}

_WORD = re.compile(r"[^\W\d_]+\d*|\d+")
_WORD_BY_CAPITALS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_ORBICULAR = re.compile(r"o|oo|orbis|orb(?:i(?:c(?:u(?:l(?:a(?:r(?:i(?:s)?)?)?)?)?)?)?)?")
_SIDE_GLUED_BEFORE = re.compile(r"(rt|lt|re|li|r|l)(.{3,})")
_SIDE_GLUED_AFTER = re.compile(r"(.{3,}?)(rt|lt|re|li|r|l)")
_DEPRESSOR_INITIALS = re.compile(r"\bd a o\b")
_TRIGGER = re.compile(
    r"(?:dig\W+)?(?:d?trig(?:ger)?|ttl|stim(?:ulus|ulator)?|sti|status)[\W_]*(?:in|out|ch)?[\W_]*\d*", re.I
)
_AUXILIARY = re.compile(r"(?:dc|aux)[\W_]*\d*", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a channel label tells; None: not told for sure."""

    muscle: Muscle | None
    side: Side | None


@lru_cache(maxsize=4096)
def read_label(label: str) -> Label:
    """Read side and muscle from a channel's free-text label.

    Examples
    --------
    >>> found = read_label("R O.Oculi")
    >>> found.muscle.value, found.side.value
    ('orbicularis_oculi', 'right')
    >>> read_label("OO L").muscle is None  # oculi or oris
    True
    """
    plain = [word.lower() for word in _WORD.findall(label)]
    if _OTHER_SIGNALS.intersection(word.rstrip("0123456789") for word in plain):
        return Label(muscle=None, side=None)
    by_capitals = [word.lower() for word in _WORD_BY_CAPITALS.findall(label)]
    found = [_read_words(plain), _read_words(by_capitals)]
    muscles = set().union(*(muscles for muscles, _ in found))
    sides = set().union(*(sides for _, sides in found))
    return Label(
        muscle=muscles.pop() if len(muscles) == 1 else None,
        side=sides.pop() if len(sides) == 1 else None,
    )


def is_trigger_label(label: str) -> bool:
    """Tell whether a label names a trigger channel ("TRIG", "Status", "STI 014").

    Examples
    --------
    >>> is_trigger_label("Trigger"), is_trigger_label("Stim R Ment")
    (True, False)
    """
    return _TRIGGER.fullmatch(label.strip()) is not None


def is_auxiliary_label(label: str) -> bool:
    """Tell whether a label names a direct-current input ("DC1"), which may carry triggers.

    Examples
    --------
    >>> is_auxiliary_label("DC1"), is_auxiliary_label("Status")
    (True, False)
    """
    return _AUXILIARY.fullmatch(label.strip()) is not None


def _read_words(words: Sequence[str]) -> tuple[set[Muscle], set[Side]]:
    """Every muscle and every side that the words name."""
    sides = {SIDE_WORDS[word] for word in words if word in SIDE_WORDS}
    rest = []
    for word in (word.rstrip("0123456789") for word in words if word not in SIDE_WORDS):
        muscle_part, side = _without_glued_side(word, words)
        rest.append(muscle_part)
        if side is not None:
            sides.add(side)
    if _OTHER_MUSCLES.intersection(rest):
        return set(), sides
    in_company = bool(sides) or "emg" in rest
    muscles = {_muscle_of(word, rest, in_company=in_company) for word in rest} - {None}
    if _is_depressor_anguli_oris(rest):
        muscles = (muscles - {Muscle.ORBICULARIS_ORIS}) | {Muscle.DEPRESSOR_ANGULI_ORIS}
    elif any(_is_short_for(word, name, 3) for word in rest for name in ("anguli", "depressor")):
        muscles.discard(Muscle.ORBICULARIS_ORIS)  # of the mouth's angle: levator or depressor, not told which
    return {muscle for muscle in muscles if muscle is not None}, sides


def _muscle_of(word: str, others: Sequence[str], *, in_company: bool) -> Muscle | None:
    """The muscle one word names; the first letters of "oculi" and "oris" need "orbicularis" beside them."""
    if word in _TOLD_IN_COMPANY:
        return _TOLD_IN_COMPANY[word] if in_company else None
    for name, shortest, muscle in _NAMES:
        if _is_short_for(word, name, shortest):
            return muscle
    beside_orbicular = any(_ORBICULAR.fullmatch(other) for other in others)
    for name, muscle in (("oculi", Muscle.ORBICULARIS_OCULI), ("oris", Muscle.ORBICULARIS_ORIS)):
        if beside_orbicular and _is_short_for(word, name, 2):
            return muscle
        for length in range(len(name), 1, -1):
            if word.endswith(name[:length]) and _ORBICULAR.fullmatch(word[:-length]):
                return muscle if word != "oor" or in_company else None  # "oor" alone may be "OO, right"
    return None


def _without_glued_side(word: str, others: Sequence[str]) -> tuple[str, Side | None]:
    """Split "rment" or "oocl" into muscle and side; any other word stays whole."""
    if _muscle_of(word, others, in_company=True) is not None:
        return word, None
    for pattern, muscle_part, side_part in ((_SIDE_GLUED_BEFORE, 2, 1), (_SIDE_GLUED_AFTER, 1, 2)):
        split = pattern.fullmatch(word)
        if split is None:
            continue
        rest = split[muscle_part]
        if rest == "dao" or _muscle_of(rest, others, in_company=True) is not None:
            return rest, SIDE_WORDS[split[side_part]]
    return word, None


def _is_depressor_anguli_oris(words: Sequence[str]) -> bool:
    """DAO, D.A.O., or "depressor" and "anguli" in any shortening."""
    if "dao" in words or _DEPRESSOR_INITIALS.search(" ".join(words)):
        return True
    depressor = any(_is_short_for(word, "depressor", 3) for word in words)
    return depressor and any(_is_short_for(word, "anguli", 3) for word in words)


def _is_short_for(word: str, name: str, shortest: int) -> bool:
    return len(word) >= shortest and name.startswith(word)
