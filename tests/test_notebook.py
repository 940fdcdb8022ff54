"""The notebook of the documentation runs, from its first cell to its last, and holds no output."""

from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[1] / "docs" / "many_recordings.ipynb"

pytestmark = pytest.mark.slow


@pytest.fixture
def notebook():
    import nbformat

    return nbformat.read(NOTEBOOK, as_version=4)


def test_every_cell_runs(notebook, tmp_path, monkeypatch):
    import sys

    from nbclient import NotebookClient

    # The kernel of this environment, whatever others the machine knows.
    kernels = tmp_path / "kernels" / "python3"
    kernels.mkdir(parents=True)
    command = f'["{sys.executable}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"]'
    (kernels / "kernel.json").write_text(f'{{"argv": {command}, "display_name": "x", "language": "python"}}')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    ran = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = "".join(
        str(output.get("data", output.get("text", "")))
        for cell in ran.cells
        for output in cell.get("outputs", [])
    )
    assert "did you mean 'search_window_ms'?" in shown
    assert "broken.edf: UnknownFormat" in shown
    assert "disappeared" in shown
    assert "image/png" in shown


def test_no_output_is_kept(notebook):
    assert all(not cell.get("outputs") for cell in notebook.cells)
