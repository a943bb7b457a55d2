"""The examples in the docstrings of the modelling core hold."""

import doctest
import importlib
import pkgutil

from segmentation import modelling


def modules():
    """The core and every module in it."""
    found = pkgutil.walk_packages(modelling.__path__, f"{modelling.__name__}.")
    return [modelling, *(importlib.import_module(one.name) for one in found)]


def test_the_examples_hold():
    results = [doctest.testmod(module) for module in modules()]
    assert sum(result.failed for result in results) == 0
    assert sum(result.attempted for result in results) >= 12
