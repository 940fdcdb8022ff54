"""The page on reading names every problem that reading reports, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_problem_of_a_file_is_explained():
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "lsr" / "io").glob("*.py"))
    reported = set(re.findall(r'(?:code=|note\(\s*|_\w+, )"([a-z0-9]+(?:_[a-z0-9]+)*)"', source))
    page = (ROOT / "docs" / "reading.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if re.match(r"\| `[a-z_0-9]+`", line)]
    assert reported == set(re.findall(r"`([a-z_0-9]+)`", " ".join(rows)))
