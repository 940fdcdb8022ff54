"""The public names are there, come from their homes, and cost nothing until they are used."""

import ast
import inspect
import subprocess
import sys

import pytest

import lsr
import lsr.errors


@pytest.mark.parametrize("name", lsr.__all__)
def test_a_public_name_is_there_and_documented(name):
    assert getattr(lsr, name).__doc__


def test_what_type_checkers_see_is_what_is_public():
    tree = ast.parse(inspect.getsource(lsr))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: statement.module
        for statement in guarded.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert seen == lsr._HOME_OF
    assert sorted(seen) == lsr.__all__


def test_every_error_is_public():
    errors = {
        name
        for name, thing in vars(lsr.errors).items()
        if isinstance(thing, type) and thing.__module__ == "lsr.errors"
    }
    assert errors <= set(lsr.__all__)


def test_a_misspelt_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="analyse"):
        lsr.analyse  # noqa: B018


def test_import_alone_brings_nothing_heavy():
    heavy = {"numpy", "scipy", "pandas", "mne", "matplotlib", "pydantic"}
    code = f"import lsr, sys; print(*{heavy} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
