"""`python -m lsr_cli` is the command `lsr`."""

from .main import run

run()
