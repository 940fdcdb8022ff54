"""`lsr config show`: which settings an analysis has, and where each comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .output import ConfigFile, InspectionFormat, Stimulated, refuse, show

if TYPE_CHECKING:
    from lsr import Settings

# A setting, by the names that lead to it, and where its value comes from.
Place = tuple[str | int, ...]

app = typer.Typer(help="Settings: which there are, and where they come from.", no_args_is_help=True)


@app.callback()
def options() -> None:
    """Settings: which there are, and where they come from."""


@app.command("show")
def show_settings(
    recording: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            help="A recording, or the folder it lies in.",
            show_default=False,
            readable=False,
        ),
    ] = Path("."),
    config: ConfigFile = None,
    stimulated: Stimulated = None,
    format: Annotated[
        InspectionFormat, typer.Option("--format", help="text is TOML that --config takes.")
    ] = InspectionFormat.TEXT,
) -> None:
    """Print every setting that a recording would be analysed with, and where it comes from."""
    from lsr import RecordingNotFound, Settings, SettingsError
    from lsr.io.registry import check_is_there
    from lsr.settings import find_settings_file

    try:
        check_is_there(recording)
        file = config or find_settings_file(recording / "recording" if recording.is_dir() else recording)
        settings = Settings.from_file(file) if file else Settings()
        if stimulated is not None:
            settings = settings.stimulated(stimulated)
    except (RecordingNotFound, SettingsError) as error:
        refuse(str(error))
    sources = _sources(settings, file, stimulated is not None)
    show(_as_json(settings, sources) if format is InspectionFormat.JSON else _as_toml(settings, sources))


def _sources(settings: Settings, file: Path | None, stimulated: bool) -> dict[Place, str]:
    """Where each setting comes from, by its place."""
    places = [place for place, _ in _leaves(settings.model_dump(mode="json"))]
    lines = setting_lines(file.read_text(encoding="utf-8-sig")) if file else {}
    sources = dict.fromkeys(places, "default")
    sources |= {place: f"{file}:{lines[place]}" for place in places if place in lines}
    if stimulated:
        given = [place for place in places if place[0] == "stimulation" and place[-1] in ("side", "branch")]
        sources |= dict.fromkeys(given, "command line (--stimulated)")
    return sources


def setting_lines(text: str) -> dict[Place, int]:
    """Tell on which line of a TOML text each value begins, by the names that lead to it.

    A statement of TOML ends with its line, so a text cut after a whole statement is valid again: what is
    new after a line began where the text was last valid.
    """
    import tomllib

    found: dict[Place, int] = {}
    lines = text.splitlines()
    begins = 1
    for number in range(1, len(lines) + 1):
        try:
            values = tomllib.loads("\n".join(lines[:number]) + "\n")
        except tomllib.TOMLDecodeError:
            continue  # within a value of several lines
        if isinstance(values.get("stimulation"), dict):
            values["stimulation"] = [values["stimulation"]]
        for place, value in _leaves(values):
            if value != {}:  # a table that has only begun
                found.setdefault(place, begins)
        begins = number + 1
    return found


def _leaves(values: Any, place: Place = ()) -> list[tuple[Place, Any]]:
    """Every value of nested tables, with its place; a list of numbers or texts is one value."""
    if isinstance(values, dict) and values:
        return [leaf for name, value in values.items() for leaf in _leaves(value, (*place, name))]
    if isinstance(values, list) and values and isinstance(values[0], dict):
        return [leaf for number, value in enumerate(values) for leaf in _leaves(value, (*place, number))]
    return [(place, values)]


def _as_json(settings: Settings, sources: dict[Place, str]) -> str:
    listed = [
        {"setting": ".".join(map(str, place)), "value": value, "source": sources[place]}
        for place, value in _leaves(settings.model_dump(mode="json"))
    ]
    return json.dumps(listed, indent=2, allow_nan=False)


def _as_toml(settings: Settings, sources: dict[Place, str]) -> str:
    """Render as TOML that gives the same settings; what is left open is a comment."""
    lines: list[str] = []
    table: Place = ()
    for place, value in _leaves(settings.model_dump(mode="json")):
        name = _key(place[-1])
        if not place[:-1]:  # a table of which nothing is given
            lines += ["", f"# {name}: as each recording says  # {sources[place]}"]
            continue
        if place[:-1] != table:
            table = place[:-1]
            lines += ["", _header(table)]
        if value is None:
            lines.append(f"# {name}: left open  # {sources[place]}")
        else:
            lines.append(f"{name} = {_quoted(value)}  # {sources[place]}")
    return "\n".join(lines).strip()


def _header(table: Place) -> str:
    names = ".".join(_key(name) for name in table if isinstance(name, str))
    return f"[[{names}]]" if isinstance(table[-1], int) else f"[{names}]"


def _key(name: str | int) -> str:
    plain = str(name)
    bare = plain.isascii() and plain.replace("_", "a").replace("-", "a").isalnum()
    return plain if bare else _quoted(plain)


def _quoted(value: Any) -> str:
    """Write a value as TOML does: as JSON, but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
