"""Protocol names and imported rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ankle_imu import wire
from ankle_imu.wire import import_rows
from ankle_imu.wire.block import Block


@pytest.mark.parametrize("name", ["", "import/", "polar?", "Ankle"])
def test_unknown_protocol_names_the_known_ones(name: str) -> None:
    with pytest.raises(ValueError, match=r"known are ankle, .*import/<format>"):
        wire.decode(name, [], {})


def test_no_payloads_no_blocks() -> None:
    assert wire.decode("ankle", [], {"acc_range_g": 16, "gyr_range_dps": 2000}) == []
    assert wire.decode("import/csv", [], {}) == []


@given(arrays(np.float64, st.tuples(st.integers(1, 600), st.just(7))))
def test_imported_rows_come_back_bit_by_bit(rows: np.ndarray) -> None:
    payloads = import_rows.encode(rows[:, 0], rows[:, 1:4], rows[:, 4:])
    (block,) = wire.decode("import/anything", payloads, {})
    assert block.ticks is not None
    assert block.gyr is not None
    assert block.sequence is not None
    np.testing.assert_array_equal(np.column_stack([block.ticks, block.acc, block.gyr]), rows)
    np.testing.assert_array_equal(block.sequence, np.arange(len(rows)))


@given(st.integers(0, 63))
def test_cut_rows_are_counted(cut: int) -> None:
    ((_, payload),) = import_rows.encode([0.0], np.zeros((1, 3)), np.zeros((1, 3)))
    (block,) = wire.decode("import/csv", [(0.0, payload[:cut])], {})
    assert len(block) == 0
    assert sum(block.errors.values()) == 1


def test_block_refuses_arrays_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="ticks"):
        Block(acc=np.zeros((3, 3)), ticks=np.zeros(2))
