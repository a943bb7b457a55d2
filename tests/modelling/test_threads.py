"""One thread for the libraries of numbers."""

import sys
import types

import pytest
import scipy.linalg  # noqa: F401 (loads a BLAS)
from threadpoolctl import threadpool_info, threadpool_limits

from segmentation.modelling import threads


def used() -> set[int]:
    return {library["num_threads"] for library in threadpool_info()}


def test_the_libraries_use_one_thread_within_the_block_and_as_many_as_before_after_it():
    with threadpool_limits(2):
        with threads.one_thread():
            assert used() == {1}
        assert max(used()) == 2


def test_they_are_looked_for_once_and_again_when_a_module_has_come(monkeypatch: pytest.MonkeyPatch):
    with threads.one_thread():
        pass
    before = threads._controller.cache_info()
    with threads.one_thread():
        pass
    assert threads._controller.cache_info().misses == before.misses
    monkeypatch.setitem(sys.modules, "a_module_that_came", types.ModuleType("a_module_that_came"))
    with threads.one_thread():
        pass
    assert threads._controller.cache_info().misses == before.misses + 1
