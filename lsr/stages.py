"""Stages of surgery: which stage was when, by annotations of the recording or a list of events.

Conventions
-----------
Times are seconds since the recording's start. A stage begins with a text that matches one of its patterns and
lasts until the next begins; before the first there is none. Capitals do not matter.
"""

from __future__ import annotations

import csv
import math
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from fnmatch import fnmatchcase
from pathlib import Path

from lsr.errors import EventsError
from lsr.recording import Problem, Recording
from lsr.settings import DEFAULT_STAGES, CourseSettings
from lsr.stimuli.texts import reads_as_pulse

_DAY_S = 86_400.0
_ORDER = tuple(DEFAULT_STAGES)  # of an operation
_LONGEST_LEAD_S = 6 * 3600.0  # an event this long before the recording is not taken for the next day's
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:[.,]\d+)?))?")
_BASELINE, DECOMPRESSION, _CLOSING = "baseline", "decompression", "closing"
_ONCE = (_BASELINE, "opening")  # once decompression began, texts that name these again are remarks
# "Before decompression" and "teflon ready" begin no decompression: such a text needs a pattern that looks
# ahead as well. The baseline may be named so ("baseline before incision"); "no LSR" speaks of no stage.
_LOOKS_AHEAD = re.compile(
    r"\b(?:before|prior|pre|vor|await\w*|waiting|plan(?:ned|ning)?|geplant|request\w*|angefordert|ready|bereit"
    r"|prepar\w*|vorbereitet|pending|need\w*|next|soaked|on table|in \d+ ?min\w*|aborted|ohne"
    r"|to (?:follow|start|begin|come)|about to|going to|postponed|ask(?:s|ed|ing)? for|folgt|verschoben"
    r"|avant|prévu\w*|à venir|bientôt|antes|previst[ao]|pendiente|pendente|em breve|solicitad[ao])\b"
    r"|^gleich\b|(?:減圧|切開|剥離|移動|挿入|减压|減壓|切皮|切开|开颅|垫入)前|予定|準備|准备|即将"
    r"|(?:감압|절개|개두|박리|삽입) ?전|예정|준비"
)
# These may deny the stage or anything else: what they stand with begins nothing, but nothing is clear.
_DENIES = re.compile(
    r"\b(?:case|until|will|soon|no|not|on hold|kein\w*|nicht|pas|sans|não|sem)\b|未|没|まだ|なし|아직"
)
_NO_LSR = re.compile(
    r"\bno (?:more )?(?:lsr|amr|responses?|change|effect)\b|\bkein\w* (?:lsr|amr|antwort\w*|änderung)\b"
    r"|\b(?:lsr|amr|response) (?:is |was )?not (?:there|present|seen|visible|gone|lost|changed)\b"
    r"|\b(?:lsr|amr) nicht (?:mehr )?(?:da|nachweisbar|vorhanden|auslösbar)\b|\bno\. ?\d"
    r"|\bsem (?:mais )?(?:lsr|amr|respostas?)\b|(?:lsr|amr)\s*(?:未|没有?|なし)\w*"
)
_CLAUSES = re.compile(r"[,;:.!?]\s")
# Texts that tell what has been: decompression began before them, nobody knows when.
_AFTER = re.compile(r".*?\b(?:after|nach|following|post(?!er))\W*", re.I)
_DONE = re.compile(
    r"\b(?:completed?|done|finished|end(?:ed|e)?|beendet|fertig|abgeschlossen|erfolgt|decompressed"
    r"|dekomprimiert|moved|mobili[sz]ed|transposed|off|inserted|placed|in place|in situ|eingelegt|removed"
    r"|entfernt|continued|ongoing|läuft|während|during|further|again|2nd|second|zweite\w*"
    r"|terminée?|finie?|achevée?|terminad[ao]|completad[ao]|finalizad[ao]|concluíd[ao]|colocad[ao]|afastad[ao]"
    r"|mobilisiert|verlagert)\b|#\d|減圧後|终了|終了|完了|挿入|移動"
    r"|减压后|減壓後|完成|结束|結束|垫入|垫开|推移|移位|감압 ?후|완료|종료|삽입|이동"
)
# What a text about decompression may speak of, in whatever words.
_MAY_BE_DECOMPRESSION = re.compile(
    r"compres|decomp|dekomp|減圧|mvd|teflon|pledget|\bfelt\b|vessel|gefäß|\bartery\b|\b[ap]ica\b|\bsca\b|\bva\b|\bloop\b"
    r"|\bconflict|nerve\b.*\b(?:freed?|clear|released)\b|transpos|interpos"
    r"|\bvasos?\b|vaisseau|\bart[eéè]ri\w*|\bartère|\bnervo\b.*\b(?:livre|liberado)\b"
    r"|减压|減壓|血管|动脉|動脈|垫|テフロン|감압|혈관|동맥|테프론"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage of surgery."""

    name: str
    start_s: float
    end_s: float  # where the next stage begins, or the recording ends
    maybe_from_s: float | None = None  # when it may have begun already; None: no text makes that likely


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that somebody noted beside the recording."""

    time_s: float
    text: str


def find_stages(
    recording: Recording, course: CourseSettings, events: Sequence[Event] = ()
) -> tuple[Stage, ...]:
    """Find the stages of an operation in annotations and events.

    Parameters
    ----------
    recording : Recording
    course : CourseSettings
        `stages` holds the patterns; where a text matches several stages, the first of them counts.
    events : Sequence[Event]
        Those of an events file, in any order.

    Returns
    -------
    tuple[Stage, ...]
        In the order of time, neighbours of one name joined; empty where no text names a stage. Baseline and
        opening do not come back once decompression began ("2 h after incision" is a remark). A text that
        finds decompression done opens it, and it may have begun as early as the stage before.
    """
    texts = [(annotation.time_s, annotation.text) for annotation in recording.annotations]
    texts += [(event.time_s, event.text) for event in events]
    read: dict[str, _Read] = {}
    begins: list[tuple[float, str]] = []
    maybe_from_s: float | None = None
    for time_s, text in sorted(texts, key=lambda one: one[0]):
        if text not in read:
            read[text] = _read(text, course.stages)
        told = read[text]
        before = {name for _, name in begins}
        looks_back = told.has_been and (_AFTER.match(text) or DECOMPRESSION not in before)
        if looks_back and before & {DECOMPRESSION, _CLOSING}:
            continue  # the stage goes on
        if told.stage in _ONCE and told.stage in before and before & {DECOMPRESSION, _CLOSING}:
            continue
        if begins and DECOMPRESSION not in before and (told.has_been or told.is_unclear):
            from_s = begins[-1][0] if told.has_been else time_s
            maybe_from_s = from_s if maybe_from_s is None else min(maybe_from_s, from_s)
        if told.stage is not None and (not begins or begins[-1][1] != told.stage):
            begins.append((time_s, told.stage))
    if not begins:
        return ()
    ends = [time_s for time_s, _ in begins[1:]] + [recording.end_s]
    return tuple(
        Stage(
            name=name,
            start_s=start_s,
            end_s=max(start_s, end_s),
            maybe_from_s=maybe_from_s if name == DECOMPRESSION else None,
        )
        for (start_s, name), end_s in zip(begins, ends, strict=True)
    )


def is_before_decompression(stage: str | None) -> bool:
    """Whether a stage of that name comes before decompression; what is outside the stages does not."""
    return stage in _ORDER[: _ORDER.index(DECOMPRESSION)]


def is_since_decompression(stage: str | None) -> bool:
    """Whether a stage of that name is decompression, or comes after it."""
    return stage in _ORDER[_ORDER.index(DECOMPRESSION) :]


def stage_of(text: str, stages: Mapping[str, Sequence[str]]) -> str | None:
    """The stage that begins with a text; None for any other text, and for every stimulus.

    Examples
    --------
    >>> from lsr.settings import DEFAULT_STAGES
    >>> stage_of("Dura opening", DEFAULT_STAGES), stage_of("before decompression", DEFAULT_STAGES)
    ('opening', None)
    """
    return _read(text, stages).stage


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What a text tells of stages."""

    stage: str | None = None
    has_been: bool = False  # the text finds decompression done, or under way
    is_unclear: bool = False  # it may speak of decompression, but does not say whether that has begun


def _read(text: str, stages: Mapping[str, Sequence[str]]) -> _Read:
    if reads_as_pulse(text):
        return _Read()
    plain = unicodedata.normalize("NFC", text).strip().lower()
    whole = _read_clause(plain, stages)
    if whole.stage is None and not _LOOKS_AHEAD.search(plain):
        # What "decompression started, no complications" denies is in its other clause.
        for clause in _CLAUSES.split(_NO_LSR.sub("", plain)):
            told = _read_clause(clause, stages)
            if told.stage is not None:
                return told
    return whole


def _read_clause(plain: str, stages: Mapping[str, Sequence[str]]) -> _Read:
    said = _NO_LSR.sub("", plain)
    begins_nothing = [one for one in (_LOOKS_AHEAD, _DENIES) if one.search(said)]
    what = _AFTER.sub("", plain)  # "baseline after decompression": decompression has been
    is_after = not begins_nothing and what != plain and _fits(what, stages.get(DECOMPRESSION, ()))
    is_done = _DONE.search(plain) is not None
    # "Before decompression" is clear; "decompression not complete", or "teflon until it fits", is not.
    is_unclear = _MAY_BE_DECOMPRESSION.search(plain) is not None and (
        _LOOKS_AHEAD not in begins_nothing or is_done
    )
    for name, patterns in stages.items():
        if begins_nothing and name != _BASELINE:
            patterns = [one for one in patterns if any(word.search(one.lower()) for word in begins_nothing)]
        if is_after and name != DECOMPRESSION:
            patterns = [one for one in patterns if _AFTER.match(one)]
        if _fits(plain, patterns):
            if name == DECOMPRESSION:
                return _Read(stage=name, has_been=is_after or is_done)
            is_unclear &= name != _BASELINE
            return _Read(stage=name, is_unclear=is_unclear, has_been=is_unclear and is_done)
    if is_after:
        return _Read(stage=DECOMPRESSION, has_been=True)
    return _Read(is_unclear=is_unclear, has_been=is_unclear and is_done)


def _fits(plain: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(plain, pattern.strip().lower()) for pattern in patterns)


def read_events(path: str | Path, recording_start: datetime | time | None) -> tuple[Event, ...]:
    """Read an events file: a table with the columns `time` or `time_s`, and `text`.

    Parameters
    ----------
    path : str | Path
        Comma or semicolon separated (then numbers may have a decimal comma), in UTF-8. `time_s` counts from
        the recording's start; `time` is a clock time (HH:MM, HH:MM:SS, HH:MM:SS.fff, past midnight too) or an
        ISO date and time. Other columns are left alone.
    recording_start : datetime | time | None
        When the recording starts; clock times need no date, and `time_s` needs neither.

    Returns
    -------
    tuple[Event, ...]
        In the order of time.

    Raises
    ------
    EventsError
        A file that cannot be read, a column that is missing, or a time that makes no sense.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise EventsError(f"{path}: cannot be read ({error.strerror}); name an existing CSV file") from None
    except UnicodeDecodeError:
        raise EventsError(f"{path}: is not UTF-8 text; save the events as CSV in UTF-8") from None
    events = [
        Event(time_s=_time_s(row, recording_start, f"{path}, line {number}"), text=row["text"])
        for number, row in _rows(lines, path)
    ]
    return tuple(sorted(events, key=lambda event: event.time_s))


def check_events(
    path: str | os.PathLike[str],
    events: Sequence[Event],
    recording: Recording,
    course: CourseSettings,
) -> tuple[Problem, ...]:
    """Tell of events that cannot belong to the recording, and of a list that names no stage.

    Events up to six hours before it are what went before; later ones, and those after its end, are odd.

    Raises
    ------
    EventsError
        All events lie elsewhere: nothing of them can be meant.
    """
    end_s = recording.end_s
    elsewhere = [one for one in events if not -_LONGEST_LEAD_S <= one.time_s <= end_s]
    if elsewhere:
        first = elsewhere[0]
        message = (
            f"{len(elsewhere)} of {len(events)} events lie outside the recording of {end_s:.0f} s, the first "
            f"{abs(first.time_s):.0f} s {'before its start' if first.time_s < 0 else 'after its start'}; "
            "'time' is a clock time, seconds since the start go in the column 'time_s'"
        )
        if len(elsewhere) == len(events):
            raise EventsError(f"{path}: {message}")
        return (Problem(code="events_outside", message=message),)
    if not any(stage_of(one.text, course.stages) for one in events):
        message = "no text of the events file begins a stage; [course.stages] in the settings names its words"
        return (Problem(code="events_without_stage", message=message),)
    return ()


def check_stages(stages: Sequence[Stage]) -> tuple[Problem, ...]:
    """Tell of stages that begin in another order than those of an operation: times or texts may be wrong.

    One that comes back is no matter: a wound may be opened again.
    """
    begins = {stage.name: stage.start_s for stage in reversed(stages)}
    order = sorted(begins, key=lambda name: begins[name])
    if order == sorted(begins, key=_ORDER.index):
        return ()
    listed = ", ".join(f"{name.replace('_', ' ')} at {begins[name]:.0f} s" for name in order)
    message = (
        f"stages begin in another order than those of an operation ({listed}); the first counts as the "
        "baseline: check the times and texts that open them"
    )
    return (Problem(code="stages_out_of_order", message=message),)


def _rows(lines: Sequence[str], path: str | Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells of every row that is not blank; column names in small letters."""
    header = lines[0] if lines else ""
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    columns: list[str] = []
    try:
        for cells in reader:
            if not columns:
                columns = [name.strip().lower() for name in cells]
                if "text" not in columns or not {"time", "time_s"}.intersection(columns):
                    raise EventsError(
                        f"{path}, line 1: found the columns {', '.join(map(repr, cells)) or 'none'}; "
                        "an events file needs 'text' and 'time' or 'time_s'"
                    )
                continue
            if any(cell.strip() for cell in cells[len(columns) :]):
                raise EventsError(
                    f"{path}, line {reader.line_num}: has more cells than columns; put a text with "
                    f"{delimiter!r} in quotation marks, and write numbers with a point"
                )
            row = {name: cell.strip() for name, cell in zip(columns, cells, strict=False)}
            if delimiter == ";" and "time_s" in row:  # spreadsheets part cells so where numbers have a comma
                row["time_s"] = row["time_s"].replace(",", ".")
            if any(row.values()):
                yield reader.line_num, {"text": "", **row}
    except csv.Error as error:
        raise EventsError(f"{path}, line {reader.line_num}: {error}; check the quotation marks") from None
    if not columns:
        raise EventsError(f"{path}: is empty; an events file needs the columns 'text' and 'time' or 'time_s'")


def _time_s(row: Mapping[str, str], start: datetime | time | None, place: str) -> float:
    """Seconds since the recording's start, from whichever time a row states."""
    if row.get("time_s"):
        return _seconds(row["time_s"], place)
    stated = row.get("time", "")
    clock = _CLOCK.fullmatch(stated)
    if clock is not None:
        hours, minutes, seconds = int(clock[1]), int(clock[2]), float((clock[3] or "0").replace(",", "."))
        if hours < 24 and minutes < 60 and seconds < 60:
            return _since_clock(hours * 3600 + minutes * 60 + seconds, start, place, stated)
    try:
        moment = datetime.fromisoformat(stated)
    except ValueError:
        raise EventsError(
            f"{place}: {stated!r} is no time; write HH:MM:SS, an ISO date and time, or seconds as 'time_s'"
        ) from None
    return _since_date(moment, start, place, stated)


def _seconds(stated: str, place: str) -> float:
    try:
        seconds = float(stated)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise EventsError(
            f"{place}: time_s is {stated!r}; write seconds since the recording's start, like 61.5"
        )
    return seconds


def _since_clock(clock_s: float, start: datetime | time | None, place: str, stated: str) -> float:
    """Seconds from the start's clock time to another, the next day's where that is nearer than going back."""
    if start is None:
        raise EventsError(
            f"{place}: {stated!r} is a clock time, but the recording does not say when it starts; "
            "use the column 'time_s', seconds since its start"
        )
    start_s = start.hour * 3600 + start.minute * 60 + start.second + start.microsecond / 1e6
    since_s = (clock_s - start_s) % _DAY_S
    return since_s - _DAY_S if since_s > _DAY_S - _LONGEST_LEAD_S else since_s


def _since_date(moment: datetime, start: datetime | time | None, place: str, stated: str) -> float:
    if not isinstance(start, datetime):
        raise EventsError(
            f"{place}: {stated!r} has a date, but the recording does not say on which it starts; "
            "use clock times (HH:MM:SS) or the column 'time_s'"
        )
    if moment.tzinfo is not None:
        raise EventsError(f"{place}: {stated!r} has a time zone, a recording has none; write its local time")
    return (moment - start.replace(tzinfo=None)).total_seconds()
