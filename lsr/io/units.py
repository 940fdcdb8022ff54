"""Units: how many microvolts one unit of a channel is, as far as its file says so.

Conventions
-----------
A unit that is missing or unknown is never taken for a voltage.
"""

from __future__ import annotations

# EDF+ writes "uV"; others write the micro sign (U+00B5) or the Greek letter (U+03BC).
_MICROVOLTS = {
    "nV": 1e-3,
    "uV": 1.0,
    "\u00b5V": 1.0,
    "\u03bcV": 1.0,
    "mV": 1e3,
    "V": 1e6,
    # Other spellings with one meaning only; "MV" is left out, because it may be a misspelt millivolt.
    "nv": 1e-3,
    "uv": 1.0,
    "UV": 1.0,
    "\u00b5v": 1.0,
    "\u03bcv": 1.0,
    "mv": 1e3,
    "v": 1e6,
    "microV": 1.0,
    "milliV": 1e3,
}

# Dimensions that monitors write for channels that are no voltage; lower case.
_NOT_VOLTAGES = frozenset(
    {
        "",
        "1",
        "bool",
        "boolean",
        "bit",
        "bits",
        "code",
        "a",
        "ma",
        "ua",
        "\u00b5a",
        "\u03bca",
        "degc",
        "\u00b0c",
        "k",
    }
    | {
        "\u00b0",
        "%",
        "bpm",
        "hz",
        "khz",
        "s",
        "ms",
        "min",
        "mmhg",
        "pa",
        "kpa",
        "mbar",
        "cmh2o",
        "ohm",
        "kohm",
        "mohm",
    }
    | {"m", "mm", "cm", "l", "ml", "l/s", "l/min", "g", "kg", "n", "mg", "deg", "rad", "lux", "db", "count"}
)


def microvolts_per(unit: str) -> float | None:
    """Tell how many microvolts one unit is; None where it is no voltage, or unknown.

    Examples
    --------
    >>> microvolts_per("mV"), microvolts_per("mmHg")
    (1000.0, None)
    """
    return _MICROVOLTS.get(unit.strip())


def is_known_unit(unit: str) -> bool:
    """Tell whether a unit is understood, as a voltage or as something else.

    Examples
    --------
    >>> is_known_unit("mmHg"), is_known_unit("uVolz")
    (True, False)
    """
    return unit.strip() in _MICROVOLTS or unit.strip().lower() in _NOT_VOLTAGES
