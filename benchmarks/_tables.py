"""How are verdicts on many cases summed up?

Conventions
-----------
One row per case and detector. FPR: share of cases without a response that the detector calls present at
its own threshold (alpha 0.01 for lsr). sens@5: share of detectable responses whose score exceeds that of
95 % of all cases without a response. hit@1, hit@0.5: share of detectable responses called present with
an onset within 1 or 0.5 ms of the truth. error: median absolute onset error of responses called present;
bias: its median with the sign (late is positive). coverage: share of those onsets whose 95 % interval
holds the truth. A dash: nothing to count.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from _limit import DETECTABLE

NULL_SHARE = 0.05
COLUMNS = ("FPR", "sens@5", "hit@1", "hit@0.5", "error", "bias", "coverage")


def thresholds(rows: pd.DataFrame) -> dict[str, float]:
    """Score per detector that 5 % of the cases without a response exceed."""
    found = {}
    for detector, nulls in rows[~rows.present].groupby("detector"):
        scores = nulls.score.dropna()
        found[str(detector)] = float(scores.quantile(1 - NULL_SHARE)) if scores.size else np.nan
    return found


def _measures(rows: pd.DataFrame, threshold: float) -> dict[str, float]:
    """Every measure over the rows of one detector."""
    nulls, seen = rows[~rows.present], rows[rows.present & (rows.d_prime >= DETECTABLE)]
    called = seen[seen.called & seen.onset_ms.notna()]
    error = called.onset_ms - called.true_onset_ms
    within = (error.abs().le(1.0).sum(), error.abs().le(0.5).sum())
    intervals = called.dropna(subset=["low_ms"])
    covered = (intervals.low_ms <= intervals.true_onset_ms) & (intervals.true_onset_ms <= intervals.high_ms)
    return {
        "nulls": len(nulls),
        "FPR": nulls.called.mean() if len(nulls) else np.nan,
        "detectable": len(seen),
        "sens@5": (seen.score > threshold).mean() if len(seen) and np.isfinite(threshold) else np.nan,
        "hit@1": within[0] / len(seen) if len(seen) else np.nan,
        "hit@0.5": within[1] / len(seen) if len(seen) else np.nan,
        "error": error.abs().median(),
        "bias": error.median(),
        "coverage": covered.mean() if len(intervals) else np.nan,
    }


def by_detector(rows: pd.DataFrame, order: list[str]) -> pd.DataFrame:
    """One row per detector."""
    limits = thresholds(rows)
    table = {name: _measures(rows[rows.detector == name], limits[name]) for name in order}
    frame = pd.DataFrame(table).T
    frame["ms/block"] = [rows[rows.detector == name].milliseconds.median() for name in order]
    return _counted(frame).rename_axis("detector")


def by_group(rows: pd.DataFrame, detector: str, column: str, threshold: float) -> pd.DataFrame:
    """One row per value of a column, for one detector; responses alone where nulls have no such value."""
    mine = rows[rows.detector == detector]
    values = list(dict.fromkeys(mine[column].dropna()))
    if column != "nuisance":
        values.sort()
    table = {value: _measures(mine[mine[column] == value], threshold) for value in values}
    return _counted(pd.DataFrame(table).T).rename_axis(column)


def _counted(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype({"nulls": int, "detectable": int})


def peers_by_nuisance(rows: pd.DataFrame, order: list[str], measure: str) -> pd.DataFrame:
    """One measure: detectors down, nuisances across."""
    limits = thresholds(rows)
    table = {
        nuisance: {name: _measures(mine[mine.detector == name], limits[name])[measure] for name in order}
        for nuisance, mine in rows.groupby("nuisance", sort=False)
    }
    return pd.DataFrame(table).reindex(order).rename_axis("detector")


def answers(rows: pd.DataFrame) -> pd.DataFrame:
    """The three answers of lsr against the truth; small: below 20 uV peak to peak, the default limit."""
    mine = rows[(rows.detector == "lsr") & ~rows.extra]
    truth = np.select(
        [~mine.present, mine.true_amplitude_uv < 20.0], ["no response", "below 20 uV"], "20 uV and more"
    )
    table = pd.crosstab(truth, mine.answer, normalize="index")
    table.insert(0, "cases", pd.Series(truth).value_counts())
    return table.rename_axis(index="truth", columns=None)


def reasons(rows: pd.DataFrame) -> pd.DataFrame:
    """Why lsr could not tell, against the truth."""
    mine = rows[(rows.detector == "lsr") & rows.reason.notna()]
    table = pd.crosstab(mine.reason, np.where(mine.present, "response", "no response"))
    return table.rename_axis(columns=None)


def calibration(rows: pd.DataFrame) -> pd.DataFrame:
    """Share of nulls with a p-value at or below each level, per nuisance."""
    mine = rows[(rows.detector == "lsr") & ~rows.present]
    levels = (0.1, 0.05, 0.01, 0.001)
    table = {
        f"p <= {level:g}": mine.groupby("nuisance", sort=False).p_value.agg(
            lambda p, at=level: (p <= at).mean()
        )
        for level in levels
    }
    frame = pd.DataFrame(table)
    main = mine[~mine.extra]
    frame.loc["all main"] = [(main.p_value <= level).mean() for level in levels]
    return frame


def sizes(rows: pd.DataFrame) -> pd.DataFrame:
    """Amplitude, persistence and jitter of lsr against the truth, by number of sweeps."""
    mine = rows[(rows.detector == "lsr") & rows.present & rows.called & (rows.d_prime >= DETECTABLE)]
    ratio = mine.amplitude_uv / mine.true_average_uv
    inside = (mine.amplitude_low_uv <= mine.true_average_uv) & (
        mine.true_average_uv <= mine.amplitude_high_uv
    )
    held = (mine.persistence_low <= mine.true_persistence) & (mine.true_persistence <= mine.persistence_high)
    extended = mine.assign(
        ratio=ratio,
        inside=inside.where(mine.amplitude_low_uv.notna()).astype(float),
        error=(mine.persistence - mine.true_persistence),
        held=held.where(mine.persistence_low.notna()).astype(float),
        judged=mine.persistence.notna(),
    )
    groups = extended.groupby("n_sweeps")
    return pd.DataFrame(
        {
            "responses": groups.size(),
            "amplitude / truth": groups.ratio.median(),
            "its interval holds": groups.inside.mean(),
            "persistence judged": groups.judged.mean(),
            "persistence - truth": groups.error.mean(),
            "its interval holds ": groups.held.mean(),
        }
    )


def as_text(table: pd.DataFrame) -> str:
    """Fixed-width columns."""
    return table.to_string(float_format=lambda value: f"{value:.3f}", na_rep="-")


def as_markdown(table: pd.DataFrame) -> str:
    """A Markdown table."""
    names = [str(table.index.name or ""), *map(str, table.columns)]
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    for index, row in table.iterrows():
        cells = [f"{index:g}" if isinstance(index, float) else str(index)]
        cells += [_cell(value, table[name].dtype.kind) for name, value in row.items()]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(value: object, kind: str) -> str:
    if pd.isna(value):
        return "-"
    return f"{value:.0f}" if kind in "iu" else f"{value:.3f}"
