"""What is installed is the library and its command, whole, and nothing that collides with others."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def _run(*command, cwd):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of a copy, so that building leaves nothing in the source."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("lsr", "cli", "tests"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    _run(*pip, "--wheel-dir", source / "dist", source, cwd=source)
    (made,) = (source / "dist").glob("*.whl")
    return made


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """An empty environment with the wheel; what the wheel depends on is lent by this one."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False, symlinks=os.name != "nt")
    binaries = home / ("Scripts" if os.name == "nt" else "bin")
    pip = [sys.executable, "-m", "pip", "--python", binaries / "python"]
    _run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=home)
    packages = Path(_run(binaries / "python", "-c", "import lsr; print(lsr.__file__)", cwd=home)).parents[1]
    assert home in packages.parents
    (packages / "lent.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return binaries


def test_the_command_answers_in_an_empty_environment(environment, tmp_path):
    import lsr

    assert _run(environment / "lsr", "--version", cwd=tmp_path) == f"lsr {lsr.__version__}"


def test_an_installed_command_prints_the_schema(environment, tmp_path):
    assert '"onset_latency_ms"' in _run(environment / "lsr", "schema", cwd=tmp_path)


def test_no_name_of_other_people_is_taken(environment, tmp_path):
    code = "import lsr, os; print(*os.listdir(os.path.dirname(os.path.dirname(lsr.__file__))))"
    found = set(_run(environment / "python", "-c", code, cwd=tmp_path).split())
    assert {name for name in found if not name.endswith((".dist-info", ".pth"))} == {"lsr", "lsr_cli"}


def test_the_wheel_holds_every_module_and_nothing_else(wheel):
    found = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    expected = {f"lsr/{path.relative_to(ROOT / 'lsr').as_posix()}" for path in (ROOT / "lsr").rglob("*.py")}
    expected |= {
        f"lsr_cli/{path.relative_to(ROOT / 'cli').as_posix()}" for path in (ROOT / "cli").rglob("*.py")
    }
    pages = {
        f"lsr/{path.relative_to(ROOT / 'lsr').as_posix()}"
        for ending in ("html", "css", "js")
        for path in (ROOT / "lsr").rglob(f"*.{ending}")
    }
    assert found == expected | pages | {"lsr/py.typed", "lsr_cli/py.typed"}
