"""Anatomy: branches of the facial nerve, the muscles they supply, and what a response there means.

Conventions
-----------
A relation belongs to a stimulated branch and a recorded muscle of the *same* side. The table is the
usual supply; neighbouring branches communicate in most faces (zygomatic-buccal 67.5 %,
buccal-mandibular 67.5 %, temporal-zygomatic 62.5 % of 40 hemifaces), hence `AMBIGUOUS`.
"""

from enum import StrEnum


class Side(StrEnum):
    """Side of the face."""

    RIGHT = "right"
    LEFT = "left"


class Branch(StrEnum):
    """Branch of the facial nerve."""

    TEMPORAL = "temporal"
    ZYGOMATIC = "zygomatic"
    BUCCAL = "buccal"
    MARGINAL_MANDIBULAR = "marginal_mandibular"
    CERVICAL = "cervical"


class Muscle(StrEnum):
    """Muscle a channel records from; masseter and temporalis are trigeminal, never an LSR."""

    FRONTALIS = "frontalis"
    ORBICULARIS_OCULI = "orbicularis_oculi"
    NASALIS = "nasalis"
    ORBICULARIS_ORIS = "orbicularis_oris"
    MENTALIS = "mentalis"
    DEPRESSOR_ANGULI_ORIS = "depressor_anguli_oris"
    PLATYSMA = "platysma"
    MASSETER = "masseter"
    TEMPORALIS = "temporalis"


class Relation(StrEnum):
    """What a response of a muscle means when a branch is stimulated."""

    DIRECT = "direct"  # supplied by that branch: an M wave, never an LSR
    AMBIGUOUS = "ambiguous"  # often supplied by it too: reported with a warning
    TARGET = "target"  # supplied by another branch: a delayed response is an LSR
    UNMAPPED = "unmapped"  # the muscle, or its supply, is not known
    IGNORE = "ignore"  # the user leaves the channel out


_DIRECT: dict[Branch, tuple[Muscle, ...]] = {
    Branch.TEMPORAL: (Muscle.FRONTALIS,),
    Branch.ZYGOMATIC: (Muscle.ORBICULARIS_OCULI,),
    Branch.BUCCAL: (Muscle.NASALIS, Muscle.ORBICULARIS_ORIS),
    Branch.MARGINAL_MANDIBULAR: (Muscle.MENTALIS, Muscle.DEPRESSOR_ANGULI_ORIS),
    Branch.CERVICAL: (Muscle.PLATYSMA,),
}

_AMBIGUOUS: dict[Branch, tuple[Muscle, ...]] = {
    Branch.TEMPORAL: (Muscle.ORBICULARIS_OCULI,),
    Branch.ZYGOMATIC: (Muscle.FRONTALIS, Muscle.NASALIS, Muscle.ORBICULARIS_ORIS),
    Branch.BUCCAL: (Muscle.ORBICULARIS_OCULI, Muscle.MENTALIS, Muscle.DEPRESSOR_ANGULI_ORIS),
    Branch.MARGINAL_MANDIBULAR: (Muscle.ORBICULARIS_ORIS, Muscle.PLATYSMA),
    Branch.CERVICAL: (Muscle.MENTALIS, Muscle.DEPRESSOR_ANGULI_ORIS),
}

_TARGET: dict[Branch, tuple[Muscle, ...]] = {
    Branch.TEMPORAL: (
        Muscle.MENTALIS,
        Muscle.ORBICULARIS_ORIS,
        Muscle.DEPRESSOR_ANGULI_ORIS,
        Muscle.PLATYSMA,
        Muscle.NASALIS,
    ),
    Branch.ZYGOMATIC: (Muscle.MENTALIS, Muscle.DEPRESSOR_ANGULI_ORIS, Muscle.PLATYSMA),
    Branch.BUCCAL: (Muscle.FRONTALIS, Muscle.PLATYSMA),
    Branch.MARGINAL_MANDIBULAR: (Muscle.ORBICULARIS_OCULI, Muscle.FRONTALIS),
    Branch.CERVICAL: (Muscle.FRONTALIS, Muscle.ORBICULARIS_OCULI),
}


def relation_of(branch: Branch | None, muscle: Muscle | None) -> Relation:
    """Tell what a response of `muscle` means when `branch` is stimulated on the same side.

    Examples
    --------
    >>> relation_of(Branch.ZYGOMATIC, Muscle.MENTALIS).value
    'target'
    >>> relation_of(Branch.ZYGOMATIC, Muscle.MASSETER).value
    'unmapped'
    """
    if branch is None or muscle is None:
        return Relation.UNMAPPED
    if muscle in _DIRECT[branch]:
        return Relation.DIRECT
    if muscle in _AMBIGUOUS[branch]:
        return Relation.AMBIGUOUS
    if muscle in _TARGET[branch]:
        return Relation.TARGET
    return Relation.UNMAPPED


def branches_supplying(muscle: Muscle) -> tuple[Branch, ...]:
    """Branches whose stimulation answers directly in `muscle`; empty for trigeminal muscles.

    Examples
    --------
    >>> [branch.value for branch in branches_supplying(Muscle.ORBICULARIS_OCULI)]
    ['zygomatic']
    """
    return tuple(branch for branch, muscles in _DIRECT.items() if muscle in muscles)
