"""Families: which looks can a drawing have?

Conventions
-----------
A family fixes the *kind* of every part: shapes of motor unit potentials, tails of the stimulus artifact,
crosstalk, noise. Seeds vary numbers within a kind. A method that works in one family only has learnt the
generator and not the EMG; "any" therefore draws every kind on its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

UNIT_SHAPES = ("gaussian", "gamma", "damped", "skewed")
TAILS = ("exponential", "stretched", "power", "recovery")
CROSSTALKS = ("lowpassed", "differentiated", "stretched", "reweighted", "compressed")
NOISES = ("gaussian", "laplace", "modulated", "shot")


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The kind of every part of a drawing."""

    name: str
    units: str  # one of UNIT_SHAPES
    tail: str  # one of TAILS
    crosstalk: str  # one of CROSSTALKS
    noise: str  # one of NOISES


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family(name="smooth", units="gaussian", tail="exponential", crosstalk="lowpassed", noise="gaussian"),
        Family(name="sharp", units="gamma", tail="stretched", crosstalk="differentiated", noise="laplace"),
        Family(name="ringing", units="damped", tail="recovery", crosstalk="stretched", noise="modulated"),
        Family(name="irregular", units="skewed", tail="power", crosstalk="reweighted", noise="shot"),
        Family(name="compressed", units="gamma", tail="exponential", crosstalk="compressed", noise="shot"),
    )
}


def family_of(name: str, rng: np.random.Generator) -> Family:
    """Return the family called `name`; "any" draws each kind by itself.

    Raises
    ------
    ValueError
        A name that no family has.
    """
    if name == "any":
        return Family(
            name="any",
            units=str(rng.choice(UNIT_SHAPES)),
            tail=str(rng.choice(TAILS)),
            crosstalk=str(rng.choice(CROSSTALKS)),
            noise=str(rng.choice(NOISES)),
        )
    if name not in FAMILIES:
        raise ValueError(f"unknown family {name!r}; known: any, {', '.join(FAMILIES)}")
    return FAMILIES[name]
