"""Does linear algebra run on one thread while lsr computes, and on as many as before afterwards?"""

import numpy as np
import pytest
import scipy.linalg  # noqa: F401  its library is limited too
from threadpoolctl import ThreadpoolController

from lsr.detection import detect as judging
from lsr.threads import one_thread


def n_threads():
    return [one["num_threads"] for one in ThreadpoolController().info() if one["user_api"] == "blas"]


@pytest.fixture
def two_threads():
    with ThreadpoolController().limit(limits=2, user_api="blas"):
        if set(n_threads()) != {2}:
            pytest.skip("the linear algebra installed here knows no threads")
        yield


@pytest.mark.usefixtures("two_threads")
def test_one_thread_inside_and_as_many_as_before_after_an_error():
    def fail():
        with one_thread():
            with one_thread():
                pass
            seen.extend(n_threads())
            raise KeyError

    seen = []
    with pytest.raises(KeyError):
        fail()
    assert set(seen) == {1}
    assert set(n_threads()) == {2}


@pytest.mark.usefixtures("two_threads")
def test_detect_asks_for_one(monkeypatch):
    seen = []
    judge = judging.detect_beside
    monkeypatch.setattr(judging, "detect_beside", lambda *a: seen.append(n_threads()) or judge(*a))
    time_ms = np.arange(-40, 80, 0.1)
    judging.detect(np.random.default_rng(0).normal(0, 5, (5, time_ms.size)), time_ms)
    assert [set(one) for one in seen] == [{1}]
    assert set(n_threads()) == {2}
