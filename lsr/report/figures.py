"""Trend, waterfall, overlay and recruitment as still figures, for paper and for papers.

Conventions
-----------
Figures are made without pyplot, so nothing of the caller's is touched, and saved without dates, so that equal
reports give equal bytes. Text that a file brings is never read as formula, and characters that the figures'
font lacks become question marks.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lsr.anatomy import Relation
from lsr.detection.detection import Presence
from lsr.report.as_html.view import clock_of, moment, pair_titles, words
from lsr.report.plain import visible
from lsr.report.wording import pair_order
from lsr.whole_files import written_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lsr.report.report import BlockReport, PairReport, Report
    from lsr.traces import PairTraces

_COLOURS = ("#0b5fa5", "#b84600", "#00735a", "#8a3f7e", "#7a6200", "#a3341f")
_MARKERS = ("o", "s", "D", "^", "P", "v")
_BASELINE, _QUIET = "#8a929c", "#555c66"
_DASHES = ((4, 3), (1, 2), (8, 3), (8, 2, 1, 2))  # of bursts that two muscles share
_ZONES = {"direct": "#e9e3d3", "search": "#d6e6f5", "late": "#e9e0f0"}
_STAGES = ("#f1f3f5", "#e3e7eb")
_TICKS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400)
_MOST_TICKS = 7
_MOST_ROWS = 30  # of a waterfall on paper; of more blocks every second, third ... is drawn
_STYLE = {
    "svg.hashsalt": "lsr",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": ["DejaVu Sans"],
    "font.size": 8,
    "axes.linewidth": 0.6,
    "axes.edgecolor": _QUIET,
    "xtick.color": _QUIET,
    "ytick.color": _QUIET,
    "path.simplify": True,
}


def draw_trend(report: Report) -> Figure:
    """Draw amplitude, onset latency, persistence, M wave and, where looked for, bursts over time.

    Parameters
    ----------
    report : Report
        Stages are shaded and events are lines where it was made `with_traces`.

    Returns
    -------
    matplotlib.figure.Figure
        Notebooks show it; `savefig` saves it.
    """
    with _styled():
        titles = pair_titles(report)
        order = pair_order(report)
        drawn = [(k, report.pairs[k]) for k in order if report.pairs[k].blocks]
        direct = [(k, pair) for k, pair in drawn if pair.relation is Relation.DIRECT]
        others = [(k, pair) for k, pair in drawn if pair.relation is not Relation.DIRECT]
        waves = [
            (k, pair)
            for k, pair in direct or others[:1]
            if any(block.m_wave and block.m_wave.amplitude_uv is not None for block in pair.blocks)
        ]
        watched = report.spontaneous is not None and bool(report.spontaneous.trend)
        labels = ["amplitude, µV", "onset, ms", "persistence, %"]
        labels += ["M wave, µV"] if waves else []
        labels += ["bursts/min"] if watched else []
        figure = _figure(7.6, 1.15 * len(labels), left=0.09, bottom=0.64 / len(labels), hspace=0.14)
        rows = figure.subplots(len(labels), 1, sharex=True)
        for axes in rows:
            _shade_stages(axes, report)
        for k, pair in others:
            look = order.index(k)
            _over_time(rows[0], look, pair, "amplitude_uv", interval="amplitude_ci_uv", title=titles[k])
            _over_time(rows[1], look, pair, "onset_latency_ms", interval="onset_latency_ci_ms")
            _over_time(rows[2], look, pair, "persistence", scale=100)
            _without_response(rows[0], look, pair, aside=look - (len(others) - 1) / 2)
        for k, pair in waves:
            _m_waves(rows[3], order.index(k), pair, f"{titles[k]} (M wave)")
        if watched:
            _bursts(rows[-1], report, order)
        for axes, label in zip(rows, labels, strict=True):
            axes.set_ylabel(label)
        rows[2].set_ylim(-8, 108)
        for axes in (rows[0], *rows[3:]):
            # Not the automatic limits: around values that hardly differ they leave no room when 0 is put in.
            top = axes.dataLim.y1 if np.isfinite(axes.dataLim.y1) and axes.dataLim.y1 > 0 else 1.0
            axes.set_ylim(-0.1 * top, 1.1 * top)
        _tick_by_the_clock(rows[-1], report)
        rows[-1].xaxis.set_major_formatter(lambda value, _: moment(report, value) if value >= 0 else "")
        figure.align_ylabels(rows)
        legend = figure.legend(loc="lower left", ncols=2, frameon=False, fontsize=7, handlelength=3.5)
        _make_room(figure, n_lines=-(-len(legend.get_texts()) // 2))
        return figure


def _make_room(figure: Figure, *, n_lines: int) -> None:
    """Lengthen a figure by the lines of its legend that its lower margin does not hold."""
    old, margins = figure.get_figheight(), figure.subplotpars
    new = old + 0.16 * max(0, n_lines - 2)
    top = 1 - (1 - margins.top) * old / new
    figure.set_figheight(new)
    figure.subplots_adjust(top=top, bottom=1 - (margins.top - margins.bottom) * old / new - (1 - top))


def draw_waterfall(report: Report, number: int) -> Figure:
    """Draw the averages of a pair's blocks, time running down."""
    with _styled():
        figure = _figure(5.2, 6.2, left=0.13, bottom=0.07)
        _waterfall(figure.subplots(), report, number)
        return figure


def draw_overlay(report: Report, number: int) -> Figure:
    """Draw the baseline of a pair and its last average over each other."""
    with _styled():
        figure = _figure(5.2, 3.0, left=0.12, bottom=0.14)
        _overlay(figure.subplots(), report, number)
        return figure


def draw_recruitment(report: Report, number: int) -> Figure:
    """Draw what stimuli of each intensity evoke in a pair."""
    with _styled():
        figure = _figure(5.2, 3.0, left=0.12, bottom=0.14)
        _recruitment(figure.subplots(), report, number)
        return figure


def draw_sheet(report: Report, number: int) -> Figure:
    """Draw everything of a pair on one sheet, as the page shows it on paper."""
    with _styled():
        figure = _figure(7.6, 4.6, left=0.085, bottom=0.09, hspace=0.3)
        grid = figure.add_gridspec(2, 2, width_ratios=(3, 2))
        _waterfall(figure.add_subplot(grid[:, 0]), report, number)
        if report.pairs[number].recruitment and report.pairs[number].relation is not Relation.DIRECT:
            _overlay(figure.add_subplot(grid[0, 1]), report, number)
            _recruitment(figure.add_subplot(grid[1, 1]), report, number)
        else:
            _overlay(figure.add_subplot(grid[:, 1]), report, number)
        return figure


def save_figures(report: Report, folder: Path, name: str) -> list[Path]:
    """Save every figure of a report as SVG and as PNG.

    Parameters
    ----------
    report : Report
        Made `with_traces`.
    folder : Path
        Made if it is not there.
    name : str
        What the names of the files start with.

    Returns
    -------
    list[Path]
        NAME.trend.svg, NAME.1.waterfall.svg, and so on; pairs are counted from 1.

    Raises
    ------
    OSError
        A file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    saved = []
    for what, figure in _all_figures(report):
        for ending, content in (("svg", as_svg(figure)), ("png", as_png(figure, dots_per_inch=200))):
            path = folder / f"{name}.{what}.{ending}"
            with written_whole(path) as partial:
                partial.write_bytes(content)
            saved.append(path)
    return saved


def _all_figures(report: Report) -> Iterator[tuple[str, Figure]]:
    if any(pair.blocks for pair in report.pairs):
        yield "trend", draw_trend(report)
    for number, pair in enumerate(report.pairs):
        if report.traces is None or not pair.blocks:
            continue
        yield f"{number + 1}.waterfall", draw_waterfall(report, number)
        yield f"{number + 1}.overlay", draw_overlay(report, number)
        if pair.recruitment and pair.relation is not Relation.DIRECT:
            yield f"{number + 1}.recruitment", draw_recruitment(report, number)


def as_svg(figure: Figure) -> bytes:
    """Save a figure as SVG; equal figures give equal bytes."""
    file = io.BytesIO()
    with _styled():
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def as_png(figure: Figure, *, dots_per_inch: int = 115, colours: int | None = None) -> bytes:
    """Save a figure as PNG, with so many colours where it has to be small; equal figures give equal bytes."""
    file = io.BytesIO()
    with _styled():
        figure.savefig(file, format="png", dpi=dots_per_inch, metadata={"Software": None})
    if colours is None:
        return file.getvalue()
    from PIL import Image

    small = io.BytesIO()
    picture = Image.open(file).convert("RGB").quantize(colours, dither=Image.Dither.NONE)
    picture.save(small, format="png", optimize=True)
    return small.getvalue()


@contextmanager
def _styled() -> Iterator[None]:
    import matplotlib

    with matplotlib.rc_context(dict(_STYLE)):  # type: ignore[arg-type]
        yield


def _figure(width: float, height: float, *, left: float, bottom: float, hspace: float = 0.2) -> Figure:
    """Make a figure with margins that are known: having matplotlib find them takes most of its time."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    figure.subplots_adjust(left=left, right=0.985, bottom=bottom, top=0.94, hspace=hspace, wspace=0.2)
    return figure


def _plain(text: str, longest: int = 60) -> str:
    """Text in the letters that the font has."""
    return visible(text.replace("→", "to"), longest=longest).encode("latin-1", "replace").decode("latin-1")


def _traces(report: Report, number: int) -> PairTraces:
    if report.traces is None:
        raise ValueError("the report was made without traces; analyse again with with_traces=True")
    return report.traces.pairs[number]


def _shade_stages(axes: Axes, report: Report) -> None:
    if report.traces is None:
        return
    for k, stage in enumerate(report.traces.stages):
        axes.axvspan(stage.start_s, stage.end_s, color=_STAGES[k % 2], linewidth=0, zorder=0)
        if axes.get_subplotspec().is_first_row():  # type: ignore[union-attr]
            place = (stage.start_s + stage.end_s) / 2
            axes.annotate(
                _plain(stage.name.replace("_", " ")),
                (place, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(0, 2),
                textcoords="offset points",
                ha="center",
                fontsize=7,
                color=_QUIET,
            )
    for event in report.traces.events:
        axes.axvline(event.time_s, color=_QUIET, linewidth=0.6, linestyle=(0, (4, 3)), zorder=1)


def _tick_by_the_clock(axes: Axes, report: Report) -> None:
    """Put ticks at round times of day, or since the start where that is not known."""
    from matplotlib.ticker import MultipleLocator

    low, high = axes.get_xlim()
    step = next((one for one in _TICKS_S if (high - low) / one <= _MOST_TICKS), _TICKS_S[-1])
    axes.xaxis.set_major_locator(MultipleLocator(step, offset=-clock_of(report.recording.start) % step))


def _middle(block: BlockReport) -> float:
    return (block.start_s + block.end_s) / 2


def _numbers(values: list[Any]) -> np.ndarray:
    return np.array([np.nan if value is None else float(value) for value in values])


def _look(k: int) -> dict[str, Any]:
    return {
        "color": _COLOURS[k % len(_COLOURS)],
        "marker": _MARKERS[k % len(_MARKERS)],
        "markersize": 3.5,
        "linewidth": 1,
    }


def _over_time(
    axes: Axes,
    k: int,
    pair: PairReport,
    name: str,
    *,
    interval: str | None = None,
    scale: float = 1,
    title: str | None = None,
) -> None:
    times = [_middle(block) for block in pair.blocks]
    values = scale * _numbers([getattr(block, name) for block in pair.blocks])
    axes.plot(times, values, label=title and _plain(title), **_look(k))
    if interval is None:
        return
    for time, block in zip(times, pair.blocks, strict=True):
        ends = getattr(block, interval)
        if ends is not None:
            axes.plot([time, time], ends, color=_look(k)["color"], linewidth=0.8)


def _without_response(axes: Axes, k: int, pair: PairReport, *, aside: float) -> None:
    """Mark on the zero line the blocks without amplitude: ring no response, triangle cannot be told."""
    from matplotlib.transforms import ScaledTranslation

    beside = axes.transData + ScaledTranslation(
        0.06 * aside,
        0,
        axes.get_figure(root=True).dpi_scale_trans,  # type: ignore[union-attr]
    )
    for presence, marker in ((Presence.ABSENT, "o"), (Presence.INDETERMINATE, "^")):
        times = [_middle(b) for b in pair.blocks if b.amplitude_uv is None and b.presence is presence]
        look = {"color": _look(k)["color"], "markersize": 4, "markerfacecolor": "white", "linestyle": "none"}
        axes.plot(times, [0.0] * len(times), marker=marker, transform=beside, **look)


def _m_waves(axes: Axes, k: int, pair: PairReport, title: str) -> None:
    times = [_middle(block) for block in pair.blocks]
    sizes = _numbers([block.m_wave.amplitude_uv if block.m_wave else None for block in pair.blocks])
    axes.plot(times, sizes, label=_plain(title), **_look(k))


def _bursts(axes: Axes, report: Report, order: list[int]) -> None:
    """Draw spontaneous activity, each channel like the first pair that shows it; shared bursts are dashed."""
    assert report.spontaneous is not None
    pairs = {report.pairs[k].channel: k for k in reversed(order)}
    times: dict[tuple[str, ...], list[tuple[float, float | None]]] = {}
    for one in report.spontaneous.trend:
        times.setdefault((one.channel,), []).append(((one.start_s + one.end_s) / 2, one.bursts_per_min))
    for both in report.spontaneous.synkinesis_trend:
        middle = (both.start_s + both.end_s) / 2
        times.setdefault(both.channels, []).append((middle, both.shared_per_min))
    n_shared = 0
    for channels, points in times.items():
        if channels[0] not in pairs:
            continue
        look = _look(order.index(pairs[channels[0]]))
        if len(channels) > 1:
            label = _plain(f"bursts of {' and '.join(channels)} together")
            dash = (0, _DASHES[n_shared % len(_DASHES)])
            look |= {"linestyle": dash, "markerfacecolor": "white", "label": label}
            n_shared += 1
        axes.plot([time for time, _ in points], _numbers([rate for _, rate in points]), **look)


def _zones(axes: Axes, report: Report, last_ms: float) -> None:
    for name, colour in _ZONES.items():
        low, high = report.settings["detection"][f"{name}_window_ms"]
        if low < last_ms:
            axes.axvspan(low, min(high, last_ms), color=colour, linewidth=0, zorder=0)
    axes.axvline(0, color="black", linewidth=0.8)


def _reference_uv(report: Report, number: int, waves: np.ndarray) -> float:
    """The largest wave that should fit: of a direct muscle its M wave, else what lies in the LSR zone."""
    pair, time = report.pairs[number], _traces(report, number).time_ms
    low, high = report.settings["detection"]["search_window_ms"]
    if pair.relation is Relation.DIRECT:
        low, high, least = 1.0, 20.0, 1.0
    else:
        high, least = high + 8, 15.0
    shown = np.abs(waves[:, (time >= low) & (time <= high)])
    return max(least, float(np.nanmax(shown)) if np.isfinite(shown).any() else 0.0)


def _waterfall(axes: Axes, report: Report, number: int) -> None:
    pair, traces = report.pairs[number], _traces(report, number)
    every = max(1, -(-len(pair.blocks) // _MOST_ROWS))
    rows = list(range(0, len(pair.blocks), every))
    _zones(axes, report, float(traces.time_ms[-1]))
    reference = _reference_uv(report, number, traces.averages_uv[rows]) if rows else 1.0
    colour = _look(pair_order(report).index(number))["color"]
    for place, row in enumerate(rows):
        wave = np.clip(traces.averages_uv[row] / reference * 0.62, -1.6, 1.6)
        axes.plot(traces.time_ms, place - wave, color="black", linewidth=0.7)
        onset = pair.blocks[row].onset_latency_ms
        if onset is not None:
            axes.plot([onset], [place - 0.3], marker="v", color=colour, markersize=3.5, linestyle="none")
    stages = [pair.blocks[row].stage for row in rows]
    for place, stage in enumerate(stages):
        if stage is not None and (place == 0 or stage != stages[place - 1]):
            axes.axhline(place - 0.5, color=_QUIET, linewidth=0.4)
            at = (float(traces.time_ms[-1]), place - 0.42)
            axes.annotate(_plain(words(stage)), at, ha="right", va="top", fontsize=6.5, color=_QUIET)
    axes.set_ylim(len(rows) - 0.3, -0.9)
    axes.set_yticks(range(len(rows)), [moment(report, pair.blocks[row].start_s) for row in rows])
    axes.set_xlim(float(traces.time_ms[0]), float(traces.time_ms[-1]))
    axes.set_xlabel("ms after the stimulus")
    axes.set_title(_plain(pair_titles(report)[number]) + _every(every), fontsize=8, loc="left")


def _every(every: int) -> str:
    return "" if every == 1 else f" (one block in {every})"


def _overlay(axes: Axes, report: Report, number: int) -> None:
    pair, traces = report.pairs[number], _traces(report, number)
    last_ms = min(30.0, float(traces.time_ms[-1]))
    _zones(axes, report, last_ms)
    colour = _look(pair_order(report).index(number))["color"]
    rows = [row for row in (traces.baseline_block, traces.last_block) if row is not None]
    first = "first" if pair.course is None else "baseline"
    looks = ({"color": _BASELINE, "linestyle": (0, (4, 2))}, {"color": colour})
    for row, look, what in zip(rows, looks, (first, "last"), strict=False):
        label = f"{what} {moment(report, pair.blocks[row].start_s)}"
        axes.plot(traces.time_ms, traces.averages_uv[row], linewidth=1.1, label=label, **look)
    # The onset of the last average where it has one, else that of the baseline, in the colour of its line.
    for row, look in reversed(list(zip(rows, looks, strict=False))):
        block = pair.blocks[row]
        if block.onset_latency_ms is None:
            continue
        axes.axvline(block.onset_latency_ms, color=look["color"], linewidth=1)
        if block.onset_latency_ci_ms:
            axes.axvspan(*block.onset_latency_ci_ms, color=look["color"], alpha=0.2, linewidth=0)
        break
    if rows:
        limit = 1.25 * _reference_uv(report, number, traces.averages_uv[rows])
        axes.set_ylim(-limit, limit)
        axes.legend(frameon=False, fontsize=7, loc="upper right")
    axes.set_xlim(float(traces.time_ms[0]), last_ms)
    axes.set_xlabel("ms after the stimulus")
    axes.set_ylabel("µV")


def _recruitment(axes: Axes, report: Report, number: int) -> None:
    pair = report.pairs[number]
    levels = pair.recruitment
    strengths = _numbers([level.intensity_ma for level in levels])
    lines = {
        "answered": _numbers([level.persistence for level in levels]),
        "LSR amplitude": _of_largest(_numbers([level.amplitude_uv for level in levels])),
        "M wave": _of_largest(_numbers([level.m_wave_uv for level in levels])),
    }
    for k, (name, shares) in enumerate(lines.items()):
        axes.plot(strengths, 100 * shares, label=name, **_look(k))
    if pair.stimulus_threshold_ma is not None:
        axes.axvline(pair.stimulus_threshold_ma, color="black", linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_ylim(-5, 108)
    axes.set_xlabel("stimulus, mA")
    axes.set_ylabel("% of largest")
    axes.legend(frameon=False, fontsize=7)


def _of_largest(values: np.ndarray) -> np.ndarray:
    largest = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
    return values / largest if largest > 0 else values
