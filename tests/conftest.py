"""What tests of several folders share."""

import ctypes
import os
import sys
from contextlib import contextmanager

import pytest

_CAPABILITIES_3 = 0x20080522  # the version of the structures below, from linux/capability.h
_READS_ALL, _ENTERS_ALL = 1 << 1, 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


@pytest.fixture
def as_a_user(tmp_path):
    """Take the rights of files as a user has to, where the tests run as an administrator."""
    if sys.platform != "linux":
        pytest.skip("rights are taken away as on Linux")
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_3, 0)
    rights = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice, for 64 of them
    assert libc.capget(header, rights) == 0
    before = rights[0]
    rights[0] &= ~(_READS_ALL | _ENTERS_ALL)
    assert libc.capset(header, rights) == 0
    yield
    rights[0] = before
    assert libc.capset(header, rights) == 0
    for folder, _, _ in os.walk(tmp_path):
        os.chmod(folder, 0o700)  # or pytest could not clear it up


@pytest.fixture
def full_disk():
    """Let no file grow beyond some bytes, in a ``with`` statement: as a full disk does, without a disk."""
    resource = pytest.importorskip("resource")

    @contextmanager
    def limited(n_bytes):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited
