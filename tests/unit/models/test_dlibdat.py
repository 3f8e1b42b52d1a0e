from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.errors import PackError
from models.dlibdat import DatReader
from tests.unit.models import dat

WORDS = st.integers(-(2**63) + 1, 2**63 - 1)
FLOATS = st.floats(-1048576.0, 1048576.0, width=32)


@given(st.lists(WORDS))
def test_integers_come_back(values: list[int]) -> None:
    reader = DatReader(b"".join(dat.integer(v) for v in values) * 2, "f")
    assert [reader.integer() for _ in values] == values
    assert reader.integers(len(values)) == values
    reader.finish()


@given(st.lists(FLOATS))
def test_reals_come_back_to_the_last_bit_of_a_float32(values: list[float]) -> None:
    reader = DatReader(dat.reals(values), "f")
    np.testing.assert_array_equal(reader.reals(len(values)), np.array(values, np.float32))
    reader.finish()


def test_a_tensor_and_a_matrix_come_back() -> None:
    tensor = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
    matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
    reader = DatReader(dat.tensor(tensor) + dat.matrix(matrix), "f")
    np.testing.assert_array_equal(reader.tensor(), tensor)
    np.testing.assert_array_equal(reader.matrix(), matrix)


@given(st.binary(max_size=200), st.sampled_from(["integer", "real", "tensor", "matrix", "text"]))
def test_any_bytes_are_read_or_refused_with_their_place(data: bytes, kind: str) -> None:
    reader = DatReader(data, "weights.dat")
    try:
        getattr(reader, kind)()
    except PackError as error:
        assert "weights.dat is damaged at byte" in str(error)  # noqa: PT017 - both ends are right
    assert 0 <= reader.left <= len(data)


@pytest.mark.parametrize("exponent", [32_000, 32_001, 32_002, -32_000, 5_000])
def test_numbers_that_are_not_finite_are_refused(exponent: int) -> None:
    data = dat.integer(1) + dat.integer(exponent)
    with pytest.raises(PackError, match=r"not finite|too large"):
        DatReader(data, "f").real()
    with pytest.raises(PackError, match=r"not finite|too large"):
        DatReader(data, "f").reals(1)


def test_a_tensor_with_nan_is_refused() -> None:
    data = dat.tensor(np.array([[[[math.nan]]]], np.float32))
    with pytest.raises(PackError, match="not finite"):
        DatReader(data, "f").tensor()


def test_a_promise_of_more_than_there_is_costs_no_memory() -> None:
    huge = dat.integer(2) + dat.integer(1 << 40) * 4
    with pytest.raises(PackError, match="cannot be of shape"):
        DatReader(huge, "f").tensor()
    with pytest.raises(PackError, match="cannot be in"):
        DatReader(dat.integer(1 << 50), "f").many(lambda: 0)
    with pytest.raises(PackError, match="cannot be in"):
        DatReader(dat.integer(1 << 30) * 2, "f").matrix()


def test_bytes_after_the_end_are_refused() -> None:
    with pytest.raises(PackError, match="follow the end"):
        DatReader(b"1", "f").finish()


@pytest.mark.parametrize(("kind", "data"), [("flag", b"2"), ("text", dat.integer(1) + b"\xff")])
def test_flags_and_names_are_ascii(kind: str, data: bytes) -> None:
    with pytest.raises(PackError, match="damaged"):
        getattr(DatReader(data, "f"), kind)()
