"""Texts: what the words of an annotation tell about a stimulus, and whether they report a pulse at all.

Conventions
-----------
Intensity is in milliampere, pulse width in milliseconds. A voltage is no intensity here: what current it
drove depends on the skin. What a text does not say is None. Decimal points and decimal commas both count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from lsr.anatomy import Branch, Side
from lsr.io.labels import SIDE_WORDS

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class StimulusText:
    """What an annotation tells about a stimulus."""

    side: Side | None = None
    branch: Branch | None = None
    intensity_ma: float | None = None
    pulse_width_ms: float | None = None
    n_averaged: int | None = None  # sweeps in the average
    text: str = ""  # the text without its numbers, which stimuli of one kind share
    kind: str = ""  # that text without side and branch, in small letters
    counter: str | None = None  # a bare number at its end: a kind ("Stim 2") or a running count
    is_note: bool = False  # it states a parameter ("stimulus_V=0.3") rather than a pulse
    is_xml: bool = False  # it describes a pulse that another annotation may mark

    @property
    def is_average(self) -> bool:
        """Tell whether the sweep is an average."""
        return (self.n_averaged or 1) > 1


_BRANCH_WORDS: dict[str, Branch] = {
    **dict.fromkeys(("temporal", "temporalis", "temporale", "temp", "frontal"), Branch.TEMPORAL),
    **dict.fromkeys(
        ("zygomatic", "zygomaticus", "zygomatisch", "zygomatique", "zigomatico", "cigomatico", "zyg", "zygo"),
        Branch.ZYGOMATIC,
    ),
    **dict.fromkeys(("buccal", "buccalis", "buccale", "bukkal", "bucc", "buc"), Branch.BUCCAL),
    **dict.fromkeys(
        (
            *("marginal", "marginalis", "marginale", "mandibular", "mandibularis", "mandibulae"),
            *("mandibulaire", "mandibolare", "marg", "mand", "mm", "mmn"),
        ),
        Branch.MARGINAL_MANDIBULAR,
    ),
    **dict.fromkeys(("cervical", "cervicalis", "cervicale", "zervikal", "cerv", "colli"), Branch.CERVICAL),
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MAY_COME_FIRST = _words("n nerve nervus facial facialis branch ramus single double paired train emg")
# A text with one of these words speaks about stimulating, or of a stimulus that is no shock to the face.
_NO_PULSE = _words(
    "off on aus an ein no not kein keine none lost test testing threshold schwelle electrode electrodes "
    "ok good elektrode moved set check checked rate frequency intensity settings parameter parameters "
    "before after bad during until failed failure click beep flash tone visual auditory checkerboard db "
    "pattern ready cable done artifact artefact protocol impedance connected disconnected polarity "
    "resumed manual please median medianus tibial tibialis ulnar ulnaris sep ssep mep tes"
)
_NO_PULSE_BEGINS = (
    *(
        "stop",
        "start",
        "begin",
        "began",
        "end",
        "paus",
        "remov",
        "chang",
        "increas",
        "decreas",
        "rais",
        "lower",
    ),
    *("adjust", "switch", "reposition", "replac", "interrupt", "complet", "finish"),
)
# Nerves that are no branch of the facial nerve, but make muscles of the face answer, by reflex or directly.
_OTHER_NERVES = _words(
    "supraorbital supraorbitalis supratrochlear supratrochlearis infraorbital infraorbitalis trigeminal "
    "trigeminus blink masseteric massetericus accessory accessorius hypoglossal hypoglossus"
)
_OTHER_EVENT_WORDS = _words(
    "stimulator stimulating stopped starts started begins ends annotation sweep record ma ms us hz mv uv s x"
)

# All patterns below but the first two see a text whose numbers have given way to their places.
_ANY_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
_TIMES = re.compile(r"(?<=[\dsS ])[x\u00d7](?=\d)", re.I)
_PLACE = re.compile(r"\d+")
_NUMBER = r"(\d+)"
_UNITS = r"(?:[mµμu]A|[mµμu]?V|ms(?:ec)?|[µμu]s(?:ec)?|s(?:ec)?|k?Hz|[cm]m|%)"
_MILLIAMPERE = re.compile(rf"(?<![^\W_])(?<![.,-]){_NUMBER}[\s_]*([mµμu])A(?![^\W_])(?!\s*[-\u2013])", re.I)
_ASSIGNED_MILLIAMPERE = re.compile(rf"(?:\b|_)mA\s*[=:]\s*{_NUMBER}(?![\w.,])", re.I)
_WIDTH = re.compile(rf"(?<![^\W_])(?<![.,]){_NUMBER}[\s_]*([mµμu])s(?:ec)?(?![^\W_])", re.I)
_NOT_WIDTH_BEFORE = re.compile(r"(?:isi|ipi|at|after|interval|delay|latency|every)[\W_]*$", re.I)
# How many sweeps an average holds, the surest wording first.
_AVERAGED = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        r"(?<![\d.,])(\d{1,5})\s*(?:sweeps?\s*|stimuli\s*|responses?\s*)?accepted\b(?:\s*sweeps)?",
        r"\b(?:sweeps\W*)?accepted\W*(\d{1,5})\b",
        r"\b(?:average|averages|averaged|avg|mean|mittelung|gemittelt)\W*(?:of|over|n|von|aus)?\W*(\d{1,5})\b"
        r"(?:\s*sweeps\b)?",
        r"\bn\s*=\s*(\d{1,5})\b",
        r"(?<![\d.,])(\d{1,5})\s*(?:averaged\s*)?(?:sweeps|averages|averaged|averagings|mittelungen)\b"
        r"(?!\W*rejected)",
        r"\b(?:number of sweeps\W*|(?:averaged\s*)?sweeps\s*[:=]\s*)(\d{1,5})\b",
    )
)
_REJECTED = re.compile(r"\d{1,5}\s*(?:sweeps?\s*)?rejected\b|\brejected\W*\d{1,5}\b", re.I)
_ASSIGNMENT = re.compile(rf"[_\s]*[A-Za-z]{{0,12}}\s*=\s*-?{_NUMBER}\s*{_UNITS}?(?![A-Za-z])", re.I)
_MEASURE = re.compile(rf"[@=:x\u00d7,;(]*\s*(?<![A-Za-z\d]){_NUMBER}\s*{_UNITS}(?![A-Za-z])\s*[),;]*", re.I)
_FILLING = re.compile(r"\b(?:at|from recording site)\b|(?<!\w)[x\u00d7@](?!\w)|[,;()]", re.I)
_COUNTER = re.compile(r"[\s#_:.-]+(\d+)$")
_TOKEN = re.compile(r"[^\W\d_]+|\d+")
_THREE_NUMBERS = re.compile(
    r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|(?:(?<![\d.,])\d+(?:[.,]\d+)?(?![.,]?\w)\W+){2}\d"
)
# "R." before a Latin name may be ramus, as well as right.
_RAMUS = re.compile(
    r"\br\.\s*(?:temporalis|zygomaticus|buccalis|marginalis|mandibularis|mandibulae|cervicalis|colli)\b", re.I
)
_CLOCK_TIME = re.compile(r"\d:\d")
_PULSE_WORD = re.compile(r"stim[a-z]?|stimulus[a-z]?|stimulation|trig|trigger|trg|reiz")
_XML_NOTE = "<edf_xmlnote"
_LONGEST_TEXT = 120  # a pulse is marked in a few words; a longer text is somebody's remark
_LONGEST_PULSE_MS = 2.0  # constant-current pulses are 0.1-0.3 ms wide, hardly ever above 1 ms


@lru_cache(maxsize=65536)
def read_stimulus_text(text: str) -> StimulusText:
    """Read side, branch, intensity and pulse width from an annotation.

    Examples
    --------
    >>> told = read_stimulus_text("Stimulus right zygomatic 0.2ms x 15,3mA")
    >>> told.side.value, told.branch.value, told.pulse_width_ms, told.intensity_ma, told.text
    ('right', 'zygomatic', 0.2, 15.3, 'Stimulus right zygomatic')
    """
    if _XML_NOTE in text.lower():
        return _read_xml_note(text)
    form, numbers = _form_of(text)
    read = _read_form(form)
    widths = {numbers[place] * factor for place, factor in read.widths_ms}
    return StimulusText(
        side=read.side,
        branch=read.branch,
        intensity_ma=_only({numbers[place] * factor for place, factor in read.intensities_ma}),
        pulse_width_ms=_only({width for width in widths if 0 < width <= _LONGEST_PULSE_MS}),
        n_averaged=None if read.n_averaged is None else int(numbers[read.n_averaged]),
        text=_with_numbers(read.text, numbers),
        kind=_with_numbers(read.kind, numbers),
        counter=None if read.counter is None else f"{numbers[read.counter]:g}",
        is_note=read.is_note,
    )


def fill_in(told: StimulusText, more: StimulusText) -> StimulusText:
    """Let one text about a pulse fill in what another leaves open."""
    return replace(
        told,
        side=told.side or more.side,
        branch=told.branch or more.branch,
        intensity_ma=more.intensity_ma if told.intensity_ma is None else told.intensity_ma,
        pulse_width_ms=more.pulse_width_ms if told.pulse_width_ms is None else told.pulse_width_ms,
        n_averaged=more.n_averaged if told.n_averaged is None else told.n_averaged,
    )


def reads_as_pulse(text: str) -> bool:
    """Tell whether a text reports one stimulus, rather than speaking about stimulation.

    Examples
    --------
    >>> reads_as_pulse("Stim R MM 12 mA"), reads_as_pulse("StimA"), reads_as_pulse("Stimulator off")
    (True, True, False)
    """
    lower = text.lower()
    if "trig" not in lower and "stim" not in lower and "trg" not in lower and "reiz" not in lower:
        return False
    if _XML_NOTE in lower:
        return _read_xml_note(text) != StimulusText() and "<stim" in lower
    return _form_reads_as_pulse(_form_of(text)[0].lower())


@lru_cache(maxsize=4096)
def _form_reads_as_pulse(lower: str) -> bool:
    if len(lower) > _LONGEST_TEXT or "?" in lower or _CLOCK_TIME.search(lower):
        return False
    tokens = _TOKEN.findall(lower)
    while tokens and (tokens[0] in _MAY_COME_FIRST or tokens[0] in SIDE_WORDS or tokens[0] in _BRANCH_WORDS):
        tokens.pop(0)
    if not tokens or not _PULSE_WORD.fullmatch(tokens[0]):
        return False
    return not any(token in _NO_PULSE or token.startswith(_NO_PULSE_BEGINS) for token in tokens[1:])


def names_other_nerve(text: str) -> bool:
    """Tell whether a text names a nerve that is no branch of the facial nerve, and no such branch.

    Examples
    --------
    >>> names_other_nerve("Stim R supraorbital"), names_other_nerve("Stim R facial nerve")
    (True, False)
    """
    words = {token.lower() for token in _TOKEN.findall(text)}
    return bool(words & _OTHER_NERVES) and not words & _BRANCH_WORDS.keys()


def words_of(patterns: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The whole words of shell patterns, such as those of stages: they name nobody.

    Examples
    --------
    >>> sorted(words_of({"opening": ["*Dura eröffn*", "mobili?ed"]}))
    ['dura', 'eröffn']
    """
    pieces = " ".join(chain.from_iterable(patterns.values())).lower().replace("*", " ").split()
    return frozenset(piece for piece in pieces if piece.isalpha())


def reads_as_event(text: str, more_words: frozenset[str] = frozenset()) -> bool:
    """Tell whether a text holds this field's words alone: no name is among them, so it can be quoted."""
    if _THREE_NUMBERS.search(text):
        return False  # a date, or a number of a patient
    known = _NO_PULSE | _MAY_COME_FIRST | _OTHER_NERVES | _OTHER_EVENT_WORDS | more_words
    words = [word for word in _TOKEN.findall(text.lower()) if not (word.isdigit() and len(word) <= 4)]
    return bool(words) and all(
        word in known
        or word in SIDE_WORDS
        or word in _BRANCH_WORDS
        or _PULSE_WORD.fullmatch(word) is not None
        for word in words
    )


def quoted(text: str | None, *, of_channel: bool = False) -> str:
    """Quote what stimuli are called, in a message: the code of a channel, or this field's words alone."""
    return repr(text or "") if not text or of_channel or reads_as_event(text) else "(free text)"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """What texts share that differ in their numbers alone; a place tells which of the numbers."""

    side: Side | None
    branch: Branch | None
    intensities_ma: tuple[tuple[int, float], ...]  # (place, factor)
    widths_ms: tuple[tuple[int, float], ...]
    n_averaged: int | None
    text: str
    kind: str
    counter: int | None
    is_note: bool


@lru_cache(maxsize=4096)
def _form_of(text: str) -> tuple[str, list[float]]:
    """Take the numbers out: "Stim R 12,5 mA" becomes "Stim R 0 mA" and [12.5], places for numbers.

    Thousands of texts that differ in a counter or an intensity are so read once.
    """
    numbers: list[float] = []

    def place(found: re.Match[str]) -> str:
        numbers.append(float(found[0].replace(",", ".")))
        return str(len(numbers) - 1)

    # Blanks in a row say nothing, and the patterns below would try each as a beginning.
    return _ANY_NUMBER.sub(place, _TIMES.sub(" x ", " ".join(text.split()))), numbers


def _with_numbers(form: str, numbers: list[float]) -> str:
    if form.isalpha():
        return form
    return _PLACE.sub(lambda found: f"{numbers[int(found[0])]:g}", form)


@lru_cache(maxsize=4096)
def _read_form(form: str) -> _Form:
    """Read the words of a text whose numbers are taken out."""
    averaged = next(filter(None, (pattern.search(form) for pattern in _AVERAGED)), None)
    uncounted = _without_counts(form)
    bare = _FILLING.sub(" ", _MEASURE.sub(" ", _ASSIGNMENT.sub(" ", uncounted)))
    bare = " ".join(bare.split()).strip(" _-:=#/")
    counted = _COUNTER.search(bare)
    if counted is not None:
        bare = bare[: counted.start()]
    words = [token.lower() for token in _TOKEN.findall(bare)]
    sides = [SIDE_WORDS[word] for word in words if word in SIDE_WORDS]
    return _Form(
        side=None if len(sides) == 1 and _RAMUS.search(bare) else _only(set(sides)),
        branch=_only({_BRANCH_WORDS[word] for word in words if word in _BRANCH_WORDS}),
        intensities_ma=tuple(
            [(int(place), 1.0) for place in _ASSIGNED_MILLIAMPERE.findall(form)]
            + [(int(place), 1.0 if unit in "mM" else 1e-3) for place, unit in _MILLIAMPERE.findall(form)]
        ),
        widths_ms=tuple(
            (int(found[1]), 1.0 if found[2] in "mM" else 1e-3)
            for found in _WIDTH.finditer(form)
            if not _NOT_WIDTH_BEFORE.search(form[: found.start()])
        ),
        n_averaged=None if averaged is None else int(averaged[1]),
        text=bare,
        kind=" ".join(word for word in words if word not in SIDE_WORDS and word not in _BRANCH_WORDS),
        counter=int(counted[1]) if counted else None,
        is_note=_ASSIGNMENT.search(uncounted) is not None,
    )


def _without_counts(form: str) -> str:
    """Take out what tells how many sweeps were averaged or rejected."""
    for pattern in (_REJECTED, *_AVERAGED):
        form = pattern.sub(" ", form)
    return form


def _only(found: set[_T]) -> _T | None:
    """What was found, if it is one thing: two sides in a text tell neither."""
    return found.pop() if len(found) == 1 else None


def _read_xml_note(text: str) -> StimulusText:
    """Read an XML note of the EDF+ form; one that declares entities is not read at all."""
    from xml.etree import ElementTree

    if "<!" in text:
        return StimulusText()
    try:
        root = ElementTree.fromstring(text[text.lower().index(_XML_NOTE) :].strip())
    except ElementTree.ParseError:
        return StimulusText()
    stimulus = next((item for item in root.iter() if _tag(item).startswith("stim")), None)
    values = _leaves(root if stimulus is None else stimulus)
    # Without a stimulus, a site may as well be that of the recording.
    places = () if stimulus is None else ("position", "site", "location", "side", "branch", "nerve")
    sites = " ".join(values.get(name, "") for name in places)
    name = "" if stimulus is None else stimulus.tag.rpartition("}")[2]
    told = read_stimulus_text(f"{name} {sites}".strip())
    strength = read_stimulus_text(values.get("intensity", values.get("current", "")))
    width = read_stimulus_text(values.get("duration", values.get("pulse_width", values.get("width", ""))))
    n_averaged = _sweeps_counted(root)
    return StimulusText(
        side=told.side,
        branch=told.branch,
        intensity_ma=strength.intensity_ma,
        pulse_width_ms=width.pulse_width_ms,
        n_averaged=told.n_averaged if n_averaged is None else n_averaged,
        text=told.text,
        kind=told.kind,
        counter=told.counter,
        is_xml=True,
    )


_SWEEP_COUNTS = _words(
    "sweeps n_sweeps number_of_sweeps sweeps_accepted accepted_sweeps accepted averages "
    "n_averages n_averaged averaged"
)


def _sweeps_counted(root: Element) -> int | None:
    """How many sweeps were averaged; counts of rejected ones are passed over, accepted ones come first."""
    found: list[tuple[bool, int]] = []
    for item in root.iter():
        attributes = {name.lower(): value.strip() for name, value in item.attrib.items()}
        about = " ".join([_tag(item), *(value.lower() for value in attributes.values())])
        counts = {_tag(item): (item.text or "").strip(), **attributes} if "reject" not in about else {}
        found += [
            ("accept" not in f"{name} {about}", int(digits))
            for name, digits in counts.items()
            if name in _SWEEP_COUNTS and digits.isascii() and digits.isdigit()
        ]
    return min(found, key=lambda one: one[0])[1] if found else None


def _tag(item: Element) -> str:
    """Name of an element, small, without its name space."""
    return item.tag.rpartition("}")[2].lower()


def _leaves(root: Element) -> dict[str, str]:
    """Name and text of every element and attribute, small letters; a `unit` attribute follows its number."""
    found: dict[str, str] = {}
    for item in root.iter():
        attributes = {name.lower(): value for name, value in item.attrib.items()}
        content = (item.text or "").strip()
        unit = attributes.get("unit", attributes.get("units", ""))
        found.update(attributes)
        found[_tag(item)] = f"{content} {unit}".strip()
    return found
