"""What every worker needs, imported once by the server that workers are forked from."""

from lsr.batch.local import use_one_thread

use_one_thread()

import lsr.batch.work  # noqa: E402
import lsr.pipeline  # noqa: E402
import lsr.report.as_html  # noqa: E402
import lsr.report.figures  # noqa: E402, F401
