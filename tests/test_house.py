"""The house is set up alike everywhere, and its verbs are told."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONSTRAINTS = (ROOT / "constraints.txt").read_text().splitlines()


def _normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_constraints_are_exact_versions_without_addresses():
    assert [line for line in CONSTRAINTS if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line)] == []


def test_constraints_name_everything_once():
    names = [_normal(line.partition("==")[0]) for line in CONSTRAINTS]
    assert len(names) == len(set(names))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["dev"],
        *project["project"]["optional-dependencies"]["test"],
    ]
    assert {_normal(re.match(r"[A-Za-z0-9._-]+", one)[0]) for one in wanted} - {"lsr"} <= set(names)


def test_constraints_agree_with_what_the_tests_run_on():
    from importlib.metadata import distributions

    installed = {_normal(one.metadata["Name"]): one.version for one in distributions()}
    different = [
        line
        for line in CONSTRAINTS
        for name, _, version in [line.partition("==")]
        if installed.get(_normal(name), version) != version
    ]
    assert different == []


@pytest.mark.parametrize("verb", ["demo", "test", "check", "format", "sample-data", "benchmark", "clean"])
def test_make_alone_lists_every_verb(verb):
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert f"make {verb} " in listed
    assert max(map(len, listed.splitlines())) < 80


def test_the_demo_analyses_every_sample(tmp_path):
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data")
    stand_in = tmp_path / "bin" / "lsr"
    stand_in.parent.mkdir()
    stand_in.write_text('#!/bin/sh\necho "$@"\n')
    stand_in.chmod(0o755)
    demo = ["make", "--silent", "-f", str(ROOT / "Makefile"), "-o", ".venv/.can-run", "demo", "BIN=bin"]
    shown = subprocess.run(demo, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    analysed = {line.split()[1] for line in shown.splitlines() if line.startswith("analyze ")}
    files = [*(ROOT / "sample_data").glob("*.[eb]df"), *(ROOT / "sample_data").glob("*/sweeps.toml")]
    names = [path.parent.name if path.name == "sweeps.toml" else path.name for path in files]
    assert analysed == {f"sample_data/{name}" for name in names}
    assert "configured_labels.edf --config sample_data/configured_labels.toml" in shown
    assert "operation_vanishes.edf --events sample_data/operation_vanishes.events.csv" in shown
