"""Settings: what a user may decide, one frozen class per step, each default with its source.

Conventions
-----------
Names are those of the TOML file. A unit ends the name. Unknown names are refused with the nearest
known one. "DOMAIN" sources are the normative values quoted in `docs/method.md`.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from lsr.anatomy import Branch, Muscle, Relation, Side
from lsr.errors import SettingsError

SETTINGS_FILE = "lsr.toml"  # what a settings file beside recordings is called


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Number = Annotated[float, Field(strict=True)]  # neither "5" nor true is a number
Whole = Annotated[int, Field(strict=True)]


def _of_two(window: Any) -> Any:
    if not isinstance(window, list | tuple) or len(window) != 2:
        raise ValueError(
            f"a window is two numbers, its start and its end, as in [5.5, 14.0], found {window!r}"
        )
    return window


def _rising(window: tuple[float, float]) -> tuple[float, float]:
    if window[0] >= window[1]:
        raise ValueError(f"the window must end after it starts, found {list(window)}")
    if window[0] < 0:
        raise ValueError(f"the window must not start before 0, found {list(window)}")
    return window


def _as_name(value: Any) -> Any:
    """Take "Marginal mandibular" for marginal_mandibular."""
    return re.sub(r"[\s_-]+", "_", value.strip().lower()) if isinstance(value, str) else value


Window = Annotated[tuple[Number, Number], BeforeValidator(_of_two), AfterValidator(_rising)]
BranchName = Annotated[Branch, BeforeValidator(_as_name)]
MuscleName = Annotated[Muscle, BeforeValidator(_as_name)]
SideName = Annotated[Side, BeforeValidator(_as_name)]


class StimulationSettings(_Frozen):
    """One stimulus set, where the file does not say it; None: as the file says, or found."""

    side: SideName | None = None
    branch: BranchName | None = None
    annotation: str | None = None  # which annotations are stimuli, as a shell pattern
    # Label of the channel that carries the triggers; beside `annotation`, for recordings that have none such.
    trigger_channel: str | None = None
    # The artifacts themselves, where annotations or triggers tell of runs rather than of every stimulus.
    source: Literal["artifact"] | None = None
    window_s: Window | None = None  # only stimuli of this part of the recording

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.source is not None and (self.annotation is not None or self.trigger_channel is not None):
            raise ValueError(
                'source = "artifact" takes neither annotations nor triggers for stimuli: leave out '
                "annotation and trigger_channel, or source"
            )
        return self


class ChannelSettings(_Frozen):
    """What a channel is, where its label does not say it; `relation` overrides the anatomy table."""

    muscle: MuscleName | None = None
    side: SideName | None = None
    relation: Literal[Relation.TARGET, Relation.DIRECT, Relation.AMBIGUOUS, Relation.IGNORE] | None = None


_M_WAVES_MS = (1.5, 5.5)
_LATE_MS = (20.0, 60.0)
_LEAST_SEARCHED_MS = 1.0  # an LSR's onset varies by as much between patients: DOMAIN, latencies
_LEAST_LATE_MS = 20.0  # long, where the search window takes most of it


def _late_after_search(validated: dict[str, Any]) -> tuple[float, float]:
    """Begin where the search window ends: no wave is an LSR and a late response."""
    start_ms = max(_LATE_MS[0], validated["search_window_ms"][1])
    return start_ms, max(_LATE_MS[1], start_ms + _LEAST_LATE_MS)


class DetectionSettings(_Frozen):
    """How responses are found."""

    search_window_ms: Window = (5.5, 14.0)  # where an LSR onset may lie: DOMAIN, latencies
    direct_window_ms: Window = _M_WAVES_MS  # where an M wave starts: DOMAIN, latencies
    # Afterdischarge, 20 to 60: DOMAIN, latencies. Later, where the search window lasts longer.
    late_window_ms: Window = Field(default_factory=_late_after_search)
    alpha: Annotated[Number, Field(gt=0, lt=0.5)] = 0.01  # false positive rate per pair and block
    smallest_response_uv: Annotated[Number, Field(gt=0)] = 20.0  # "absent" must have been able to see this
    power: Annotated[Number, Field(gt=0.5, lt=1)] = 0.95  # with this probability
    mains_hz: Annotated[Number, Field(ge=40, le=70)] | None = None  # None: 50 or 60, whichever is there
    seed: Annotated[Whole, Field(ge=0)] = 0  # of the resampling draws

    @model_validator(mode="after")
    def _a_wave_is_one_thing(self) -> Self:
        begin_ms, end_ms = self.search_window_ms
        if end_ms - begin_ms < _LEAST_SEARCHED_MS:
            raise ValueError(
                f"search_window_ms lasts {end_ms - begin_ms:g} ms, too short for a response to begin in; "
                "write milliseconds, as in [5.5, 14.0]"
            )
        if self.late_window_ms[0] < end_ms:
            raise ValueError(
                f"late_window_ms begins at {self.late_window_ms[0]:g} ms, before search_window_ms ends, at "
                f"{end_ms:g} ms: one wave would be told twice; begin it at {end_ms:g} ms, or leave it out"
            )
        # An M wave may start as late as it usually does, whatever is searched.
        if self.direct_window_ms[1] > max(begin_ms, _M_WAVES_MS[1]):
            raise ValueError(
                f"direct_window_ms ends at {self.direct_window_ms[1]:g} ms, after search_window_ms begins, "
                f"at {begin_ms:g} ms: what starts between them would be an M wave in one muscle and an LSR "
                "in the next; end it sooner, or begin search_window_ms later"
            )
        return self


class SweepSettings(_Frozen):
    """How much is cut around a stimulus; a stretch before it shows the noise."""

    before_ms: Annotated[Number, Field(ge=0)] = 50.0
    after_ms: Annotated[Number, Field(gt=0)] = 100.0


_VESSELS = ("vessel", "artery", "aica", "pica", "loop", "gefäß", "gefäss", "arterie")
# A text with "before", "not", "ready" or the like matches only patterns with such a word, or of the baseline.
DEFAULT_STAGES: dict[str, tuple[str, ...]] = {
    "baseline": (
        *("baseline*", "*pre-op*", "*preop*"),
        *("before*incision*", "prior*incision*", "pre*incision*", "before*opening*", "before surgery*"),
        *("ligne de base*", "l[ií]nea de base*", "l[ií]nea basal*", "registro basal*", "basal"),
        *("ベースライン*", "linha de base*", "regist*o basal*"),
        *("基线*", "基線*", "术前基线*", "術前基線*", "기저*", "베이스라인*"),
    ),
    "opening": (
        *("opening*", "*incisi[oó]n*", "*crani[eo]*tom[iy]*", "*craneotom[ií]a*", "*retrosigmoid*"),
        *("*dura*open*", "*open*dura*", "*dura*eröff*", "*durotomy*", "*hautschnitt*"),
        *("ouverture*dur*", "apertura*dur*", "皮膚切開*", "開頭*", "硬膜切開*"),
        *("*trepan*", "*incis[aã]o*", "abertura*dur*"),
        *("切皮*", "皮肤切开*", "开颅*", "開顱*", "切开硬*", "剪开硬*", "打开硬*"),
        *("硬*膜*切开*", "硬*膜*剪开*", "硬*膜*打开*", "피부*절개*", "개두*", "경막*절개*", "경막*열*"),
    ),
    "arachnoid_dissection": (
        *("*arachno[iï]d*", "*aracnoid*", "dissection*", "*cistern*"),
        *("くも膜*", "*蛛网膜*", "*蛛網膜*", "*지주막*", "*거미막*"),
    ),
    "decompression": (
        *("decompres*", "décompression*", "descompresi[oó]n*", "減圧*"),
        *("decomp", "decomp.*", "decomp start*"),
        *("*début*décompression*", "*inicio*descompresi[oó]n*", "mvd*", "*microvascular decompress*"),
        *("*start*decompress*", "*begin*decompress*"),
        *("*dekompres*", "*teflon*", "*pledget*", "*interposition*", "*transposition*"),
        *("*start*mvd*", "*begin*mvd*", "end*decompress*", "*decompressed*"),
        *("descompress[aã]o*", "*in[ií]cio*descompress*", "*vaso*afastad*", "*テフロン*", "*血管*移動*"),
        *("减压*", "減壓*", "开始减压*", "開始減壓*", "*垫入*", "*垫开*", "*垫棉*"),
        *("*血管*推移*", "*血管*移位*"),
        *("감압*", "*테프론*", "*혈관*이동*"),
        *(
            f"*{vessel}*{done}*"
            for vessel in _VESSELS
            for done in ("moved", "mobili?ed", "mobilisiert", "verlagert", "off*nerve")
        ),
    ),
    "closing": (
        *("closing*", "*start*closing*", "*begin*closing*", "closure*", "*dura*clos*", "*clos*dura*"),
        *("*skin*clos*", "*wound*clos*", "*skull*clos*"),
        *("*duranaht*", "*hautnaht*", "*wundverschlu*"),
        *("fermeture", "fermeture*dur*", "cierre", "cierre*dur*", "閉創*", "閉頭*", "硬膜閉*"),
        *("*dura*verschlu*", "fechamento", "fechamento*dur*", "fechamento*pele*"),
        *("关颅*", "關顱*", "缝合硬*", "关闭硬*", "硬*膜*缝合*", "缝皮*"),
        *("경막*봉합*", "피부*봉합*", "봉합*"),
    ),
}


def _over_default_stages(stages: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Let stages that are not mentioned keep their texts; their order is that of the operation."""
    for name in stages:
        if name not in DEFAULT_STAGES:
            raise ValueError(_unknown("stage", name, list(DEFAULT_STAGES)))
    return {**DEFAULT_STAGES, **stages}


class CourseSettings(_Frozen):
    """How an operation is divided, and what counts as a change."""

    # Stage: shell patterns of its texts; an empty list switches a stage off.
    stages: Annotated[dict[str, tuple[str, ...]], AfterValidator(_over_default_stages)] = DEFAULT_STAGES
    block_stimuli: Annotated[Whole, Field(ge=1)] = 20  # stimuli judged together within a stage


class Settings(_Frozen):
    """All settings of an analysis.

    Raises
    ------
    SettingsError
        From every constructor below: a name that is unknown, or a value out of range.
    """

    stimulation: tuple[StimulationSettings, ...] = ()
    channels: dict[str, ChannelSettings] = {}
    detection: DetectionSettings = DetectionSettings()
    sweeps: SweepSettings = SweepSettings()
    course: CourseSettings = CourseSettings()

    @model_validator(mode="after")
    def _a_stimulus_belongs_to_one_set(self) -> Self:
        for one, other in combinations(self.stimulation, 2):
            if _takes_from(one, other):
                windows = [list(each.window_s) if each.window_s else "none" for each in (one, other)]
                raise ValueError(
                    f"stimulation: window_s {windows[0]} and {windows[1]} overlap, so that stimuli would "
                    "belong to two sets; end one where the other begins, or give each set an annotation of "
                    "its own"
                )
        return self

    @model_validator(mode="before")
    @classmethod
    def _one_stimulation_is_a_list_of_one(cls, values: Any) -> Any:
        if isinstance(values, dict) and isinstance(values.get("stimulation"), dict):
            return {**values, "stimulation": (values["stimulation"],)}
        return values

    @model_validator(mode="after")
    def _sweeps_reach_the_search_window(self) -> Self:
        end_ms = self.detection.search_window_ms[1]
        if end_ms > self.sweeps.after_ms:
            raise ValueError(
                f"detection.search_window_ms ends at {end_ms:g} ms, "
                f"after the sweep, at {self.sweeps.after_ms:g} ms; end it sooner, or raise sweeps.after_ms"
            )
        return self

    @classmethod
    def from_dict(cls, values: dict[str, Any], *, source: str = "settings") -> Self:
        """Settings from nested names and values; `source` opens every complaint."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            complaints = [_in_words(cls, dict(one)) for one in error.errors() if one["type"] != _NOT_ASKED]
            raise SettingsError(f"{source}: " + "; ".join(complaints)) from None

    def stimulated(self, side_and_branch: str) -> Self:
        """Return the settings with another side and branch of every stimulus set.

        Parameters
        ----------
        side_and_branch : str
            As in "right zygomatic" or "left marginal mandibular".

        Raises
        ------
        SettingsError
            Not a side and a branch, or several stimulus sets of different branches.

        Examples
        --------
        >>> Settings().stimulated("right marginal mandibular").stimulation[0].branch.value
        'marginal_mandibular'
        """
        side, _, branch = side_and_branch.strip().partition(" ")
        try:
            one = StimulationSettings.model_validate({"side": side, "branch": branch})
        except ValidationError:
            branches = [words.replace("_", " ") for words in Branch]
            known = [f"{side} {branch}" for side in Side for branch in branches]
            near = difflib.get_close_matches(side_and_branch.lower(), known, n=1, cutoff=0.8)
            guess = f"; did you mean {near[0]!r}?" if near else ""
            raise SettingsError(
                f"stimulated {side_and_branch!r} is no side and branch; "
                f"write right or left, and one of: {', '.join(branches)}, as in 'right zygomatic'{guess}"
            ) from None
        if len({(known.side, known.branch) for known in self.stimulation}) > 1:
            raise SettingsError(
                f"stimulated {side_and_branch!r} cannot stand for the {len(self.stimulation)} different "
                "[[stimulation]] tables of the configuration; give side and branch there"
            )
        changed = {"side": one.side, "branch": one.branch}
        sets = tuple(known.model_copy(update=changed) for known in self.stimulation) or (one,)
        return self.model_copy(update={"stimulation": sets})

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Settings from a TOML file."""
        try:
            values = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise SettingsError(
                f"{path}: cannot be read ({error.strerror}); name an existing TOML file"
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path}: not valid TOML: {error}") from None
        return cls.from_dict(values, source=str(path))


def given_settings(settings: Settings | None) -> Settings:
    """Return what a caller gave, or the defaults for None.

    Raises
    ------
    SettingsError
        Something else was given, such as a dictionary.
    """
    if settings is None:
        return Settings()
    if not isinstance(settings, Settings):
        raise SettingsError(
            f"settings: needs lsr.Settings, found {settings!r}; make them by lsr.Settings.from_dict(...)"
        )
    return settings


def find_settings_file(recording: str | Path) -> Path | None:
    """Find the settings file of a recording: `lsr.toml` in its folder; None where there is none.

    A recording of a BIDS data set may have it in the data set's folder `code`, where BIDS allows any file.
    The command line uses it where no `--config` is given; from Python, hand it to `Settings.from_file`.
    """
    from lsr.io.bids_names import find_bids_name

    places = [Path(recording).parent / SETTINGS_FILE]
    in_bids = find_bids_name(Path(recording))
    if in_bids is not None:
        places.append(in_bids.root / "code" / SETTINGS_FILE)
    return next((place for place in places if os.path.isfile(place)), None)  # Path.is_file may be refused


def _takes_from(one: StimulationSettings, other: StimulationSettings) -> bool:
    """Whether a set takes stimuli that lie in the window of one after it, as both have one source."""
    sources = [(each.annotation, each.trigger_channel, each.source) for each in (one, other)]
    if sources[0] != sources[1] or other.window_s is None:
        return False  # the first says what is meant there, the other what is meant elsewhere
    if one.window_s is None:
        return True
    return one.window_s[0] < other.window_s[1] and other.window_s[0] < one.window_s[1]


def _unknown(what: str, name: str, known: list[str], within: str = "") -> str:
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    way_out = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
    return f"unknown {what} {name!r}{within and f' in {within}'}; {way_out}"


def _known_names(model: type[BaseModel], place: list[int | str]) -> list[str]:
    """List the names allowed at `place` of the settings tree; its first part is the table."""
    tables: dict[str, type[BaseModel]] = {
        "stimulation": StimulationSettings,
        "channels": ChannelSettings,
        "detection": DetectionSettings,
        "sweeps": SweepSettings,
        "course": CourseSettings,
    }
    return list((tables[str(place[0])] if place else model).model_fields)


_NOT_ASKED = "default_factory_not_called"  # follows from another complaint
_TABLE = "a table of settings"
_WANTED = {  # what pydantic asks for, in words
    "model_type": _TABLE,
    "dict_type": _TABLE,
    "tuple_type": "a list of texts in quotation marks",
    "string_type": "text in quotation marks",
    "float_type": "a number",
    "int_type": "a whole number",
}


def _in_words(model: type[BaseModel], error: dict[str, Any]) -> str:
    """One of pydantic's errors as a sentence with the place, the value and the way out."""
    place, value = list(error["loc"]), error["input"]
    if error["type"] == "extra_forbidden":
        *within, name = place
        return _unknown("setting", str(name), _known_names(model, within), _named(within))
    where = f"setting {_named(place)!r}" if place else "settings"
    if error["type"] == "value_error":
        message = error["msg"].removeprefix("Value error, ")
        return f"{where}: {message}" if place else message
    if error["type"] in ("enum", "literal_error"):
        known = re.findall(r"'(\w+)'", error["ctx"]["expected"])
        near = difflib.get_close_matches(str(_as_name(value)), known, n=1, cutoff=0.7)
        guess = f"; did you mean {near[0]!r}?" if near else ""
        return f"{where} has to be one of {', '.join(known)}, found {value!r}{guess}"
    wanted = _WANTED.get(error["type"])
    if place == ["stimulation"]:
        wanted = _TABLE
    elif wanted is None:  # a limit, which pydantic words well
        wanted = error["msg"].removeprefix("Input should be ")
    return f"{where} has to be {wanted}, found {value!r}"


def _named(place: list[int | str]) -> str:
    """Name a place of the settings tree as its TOML does; of several stimulus sets, the later by number."""
    first, *rest = [str(part) for part in place] or [""]
    if first == "stimulation" and rest:
        number, *rest = rest
        first = first if number == "0" else f"stimulation (table {int(number) + 1})"
    return ".".join((first, *rest))
