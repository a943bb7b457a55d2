"""A cell of each kind of the faults that an operator meets; `make faults ONLY=operations` tries them all."""

from collections.abc import Iterator

import pytest

from tests.faults import operations
from tests.faults.operations import CELLS, IN_TESTS, Bench


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with operations.bench() as made:
        yield made


def test_there_are_forty_cells_of_every_kind_with_names_of_their_own():
    assert len({cell.name for cell in CELLS}) == len(CELLS) >= 40
    kinds = {cell.fault.split("_")[0] for cell in CELLS}
    assert kinds == {"kill", "stop", "cut", "silence", "lock", "full", "lost", "clock", "two"}
    assert {name.split("_")[0] for name in IN_TESTS} == kinds


@pytest.mark.parametrize("name", IN_TESTS)
def test_a_fault_leaves_readers_alone_is_told_and_is_undone_by_a_re_run(bench, name):
    cell = next(cell for cell in CELLS if cell.name == name)
    outcome = bench.judge(cell)
    assert outcome.faults == (), outcome.told
