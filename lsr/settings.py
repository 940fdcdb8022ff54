"""Settings: what a user may decide, one frozen class per step, each default with its source.

Conventions
-----------
Names are those of the TOML file. A unit ends the name. Unknown names are refused with the nearest
known one. "DOMAIN" sources are the normative values quoted in `docs/method.md`.
"""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from lsr.anatomy import Branch, Muscle, Relation, Side
from lsr.errors import SettingsError


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Window = tuple[float, float]


def _rising(window: Window) -> Window:
    if window[0] >= window[1]:
        raise ValueError(f"the window must end after it starts, found {list(window)}")
    return window


class StimulationSettings(_Frozen):
    """One stimulus set, where the file does not say it; None: as the file says, or found."""

    side: Side | None = None
    branch: Branch | None = None
    annotation: str | None = None  # which annotations are stimuli, as a shell pattern
    trigger_channel: str | None = None  # label of the channel that carries the triggers
    window_s: Window | None = None  # only stimuli of this part of the recording

    @field_validator("branch", mode="before")
    @classmethod
    def _spaces_are_underscores(cls, value: Any) -> Any:
        return value.strip().lower().replace(" ", "_") if isinstance(value, str) else value

    @field_validator("side", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("window_s")
    @classmethod
    def _window_rises(cls, value: Window | None) -> Window | None:
        return None if value is None else _rising(value)


class ChannelSettings(_Frozen):
    """What a channel is, where its label does not say it; `relation` overrides the anatomy table."""

    muscle: Muscle | None = None
    side: Side | None = None
    relation: Literal[Relation.TARGET, Relation.DIRECT, Relation.AMBIGUOUS, Relation.IGNORE] | None = None

    @field_validator("muscle", mode="before")
    @classmethod
    def _spaces_are_underscores(cls, value: Any) -> Any:
        return value.strip().lower().replace(" ", "_") if isinstance(value, str) else value


class DetectionSettings(_Frozen):
    """How responses are found."""

    search_window_ms: Window = (5.5, 14.0)  # where an LSR onset may lie: DOMAIN, latencies
    direct_window_ms: Window = (1.5, 5.5)  # where an M wave starts: DOMAIN, latencies
    late_window_ms: Window = (20.0, 60.0)  # afterdischarge: DOMAIN, latencies
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.01  # false positive rate per pair and block
    smallest_response_uv: Annotated[float, Field(gt=0)] = 20.0  # "absent" must have been able to see this
    power: Annotated[float, Field(gt=0.5, lt=1)] = 0.95  # with this probability
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95  # of every interval
    mains_hz: Annotated[float, Field(ge=40, le=70)] | None = None  # None: 50 or 60, whichever is there
    seed: Annotated[int, Field(ge=0)] = 0  # of the resampling draws

    @field_validator("search_window_ms", "direct_window_ms", "late_window_ms")
    @classmethod
    def _windows_rise(cls, value: Window) -> Window:
        return _rising(value)


class SweepSettings(_Frozen):
    """How much is cut around a stimulus; a stretch before it shows the noise."""

    before_ms: Annotated[float, Field(ge=0)] = 50.0
    after_ms: Annotated[float, Field(gt=0)] = 100.0


DEFAULT_STAGES: dict[str, tuple[str, ...]] = {
    "baseline": ("baseline*", "*before incision*", "*pre-op*", "*preop*"),
    "opening": ("opening*", "*incision*", "*craniotomy*", "*dura*open*", "*retrosigmoid*"),
    "arachnoid_dissection": ("arachnoid*", "*dissection*", "*cistern*"),
    "decompression": ("decompress*", "teflon*", "*vessel moved*", "*transposition*"),
    "closing": ("closing*", "closure*", "*dura*clos*", "*skin*clos*"),
}


class CourseSettings(_Frozen):
    """How an operation is divided, and what counts as a change."""

    stages: dict[str, tuple[str, ...]] = DEFAULT_STAGES  # stage: shell patterns of its texts, in order
    block_stimuli: Annotated[int, Field(ge=1)] = 20  # stimuli judged together within a stage
    notable_fall_percent: Annotated[float, Field(gt=0, le=100)] = 86.5  # one preprint, n=208: DOMAIN


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

    @model_validator(mode="before")
    @classmethod
    def _one_stimulation_is_a_list_of_one(cls, values: Any) -> Any:
        if isinstance(values, dict) and isinstance(values.get("stimulation"), dict):
            return {**values, "stimulation": (values["stimulation"],)}
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any], *, source: str = "settings") -> Self:
        """Settings from nested names and values; `source` opens every complaint."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            complaints = [_in_words(cls, dict(one)) for one in error.errors()]
            raise SettingsError(f"{source}: " + "; ".join(complaints)) from None

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Settings from a TOML file."""
        try:
            values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"{path}: cannot be read ({error.strerror}); name an existing TOML file") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path}: not valid TOML: {error}") from None
        return cls.from_dict(values, source=str(path))


def _known_names(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """Names allowed at `place` of the settings tree; the table names lead there."""
    tables: dict[str, type[BaseModel]] = {
        "stimulation": StimulationSettings,
        "channels": ChannelSettings,
        "detection": DetectionSettings,
        "sweeps": SweepSettings,
        "course": CourseSettings,
    }
    return list((tables[str(place[0])] if place else model).model_fields)


def _in_words(model: type[BaseModel], error: dict[str, Any]) -> str:
    """One of pydantic's errors as a sentence with the place, the value and the way out."""
    *place, name = error["loc"]
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        known = _known_names(model, tuple(place))
        near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
        way_out = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
        return f"unknown setting {where!r}; {way_out}"
    message = error["msg"].removeprefix("Value error, ")
    found = "" if error["type"] == "value_error" else f", found {error['input']!r}"
    return f"setting {where!r}: {message}{found}"
