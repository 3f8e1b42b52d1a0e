from __future__ import annotations

import io
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.errors import PackError
from models.dlibshape import Cascade, dump_cascade, load_cascade, read_cascade
from tests.unit.models import dat

DATA = dat.cascade()
CASCADE = read_cascade(DATA)


def test_shapes() -> None:
    assert CASCADE.start.shape == (5, 2)
    assert CASCADE.limit.shape == (2, 3, 3)
    assert CASCADE.leaf.shape == (2, 3, 4, 10)
    assert CASCADE.delta.shape == (2, 7, 2)


def test_the_stored_form_comes_back_and_is_the_same_every_time() -> None:
    stored = dump_cascade(CASCADE)
    again = load_cascade(stored)
    for field in fields(Cascade):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(CASCADE, field.name))
    assert dump_cascade(again) == stored


def test_only_five_landmarks_are_read() -> None:
    with pytest.raises(PackError, match="only the 5-point predictor"):
        read_cascade(dat.integer(1) + dat.matrix(np.zeros((136, 1), np.float32)))


@settings(max_examples=200)
@given(st.integers(0, len(DATA) - 1), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_stays_in_bounds(at: int, value: int) -> None:
    try:
        cascade = read_cascade(DATA[:at] + bytes([value]) + DATA[at + 1 :])
    except PackError:
        return
    assert cascade.first.max() < cascade.anchor.shape[1]
    assert cascade.anchor.max() < 5


@given(st.integers(0, len(DATA) - 1))
def test_a_file_cut_short_is_refused(length: int) -> None:
    with pytest.raises(PackError):
        read_cascade(DATA[:length])


def test_a_stored_form_with_a_pickle_is_never_opened() -> None:
    target = io.BytesIO()
    np.savez(target, start=np.array([{"a": 1}], dtype=object))
    with pytest.raises(PackError, match="is damaged"):
        load_cascade(target.getvalue())


@given(st.binary(max_size=200))
def test_any_stored_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(PackError):
        load_cascade(data)


def test_indices_outside_the_tables_are_refused() -> None:
    with pytest.raises(PackError, match="outside its own tables"):
        replace(CASCADE, first=CASCADE.first + np.uint16(7))


@pytest.mark.parametrize("name", ["start", "second", "leaf", "anchor", "delta"])
def test_tables_that_do_not_fit_are_refused(name: str) -> None:
    with pytest.raises(PackError, match=r"not of shape|not a full tree"):
        replace(CASCADE, **{name: getattr(CASCADE, name)[:, :1]})


def test_numbers_that_are_not_finite_are_refused() -> None:
    leaf = CASCADE.leaf.copy()
    leaf[0, 0, 0, 0] = np.nan
    with pytest.raises(PackError, match="not finite"):
        load_cascade(dump_cascade(replace(CASCADE, leaf=leaf)))
