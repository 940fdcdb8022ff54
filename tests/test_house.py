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
