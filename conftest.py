"""Tests run linear algebra on one thread, as the command line does: quicker, and the same sums everywhere."""

from lsr.threads import use_one_thread

use_one_thread()
