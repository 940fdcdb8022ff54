"""What every worker needs, imported once by the server that workers are forked from, and shared by them."""

import logging
from importlib import import_module

from lsr.threads import one_thread, use_one_thread

use_one_thread()
logging.getLogger().addHandler(logging.NullHandler())  # no library prints between the lines of a run

for name in (
    "lsr.batch.work",
    "lsr.pipeline",
    "lsr.report.as_html",
    "lsr.report.figures",
    # These are imported where they are used, which in a worker would be once for each worker.
    *("numpy.random", "scipy.linalg", "scipy.ndimage", "scipy.special"),
    *("jinja2", "matplotlib.backends.backend_agg", "PIL.PngImagePlugin"),
):
    import_module(name)

with one_thread():  # what is found once, workers need not look for
    pass
