"""Small recordings with a planted response, and folders of them."""

import numpy as np
import pytest

from lsr.synthetic.edf_writer import EdfText, quantise, write_continuous

RATE_HZ = 4000.0
PATIENT = "X X Doe_Jane_Roe"


def _write_recording(path, seed=0, n_stimuli=12):
    """Write an EDF file: R mentalis answers 10 ms after stimuli of the right zygomatic branch."""
    rng = np.random.default_rng(seed)
    times_s = 1.0 + 0.3 * np.arange(n_stimuli)
    n_samples = int((times_s[-1] + 1.0) * 2) * int(RATE_HZ / 2)
    after_ms = (np.arange(n_samples) / RATE_HZ - times_s[:, np.newaxis]) * 1000
    channels = []
    for label, peak_ms, amplitude_uv in (("R O.Oculi", 5.0, 1500.0), ("R Mentalis", 11.0, 200.0)):
        late_ms = after_ms - peak_ms
        evoked = np.exp(-((late_ms / 1.0) ** 2)) * np.sin(late_ms * np.pi / 2)
        emg_uv = rng.normal(0.0, 4.0, n_samples) + amplitude_uv * evoked.sum(axis=0)
        channels.append(quantise(emg_uv, label=label, unit="uV", step_uv=0.1))
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [EdfText(time_s=float(one), text="Stimulus right zygomatic 12 mA") for one in times_s]
    write_continuous(path, channels, rate_hz=RATE_HZ, texts=texts)
    with path.open("r+b") as file:  # a name that must reach no output
        file.seek(8)
        file.write(PATIENT.ljust(80).encode())
    return path


def _tree(folder):
    """Every file of a folder, as path: bytes."""
    return {
        one.relative_to(folder).as_posix(): one.read_bytes() for one in folder.rglob("*") if one.is_file()
    }


@pytest.fixture(scope="session")
def write_recording():
    """Write a recording: path, seed, n_stimuli."""
    return _write_recording


@pytest.fixture(scope="session")
def tree():
    """Read a folder: path: bytes."""
    return _tree


@pytest.fixture(scope="session")
def patient():
    """What every header says of the patient."""
    return PATIENT


@pytest.fixture(scope="session")
def recordings(tmp_path_factory):
    """A folder: two recordings of one name, a third without an ending, a broken one, and what is none."""
    folder = tmp_path_factory.mktemp("recordings")
    _write_recording(folder / "case.edf", seed=1)
    _write_recording(folder / "2019" / "case.edf", seed=2)
    _write_recording(folder / "2020" / "study", seed=3)
    (folder / "2020" / "cut.edf").write_bytes((folder / "case.edf").read_bytes()[:900])
    (folder / "2020" / "notes.txt").write_text("0       is how a header begins\n")
    (folder / "2020" / ".case.edf").write_bytes(b"of a file system")
    return folder
