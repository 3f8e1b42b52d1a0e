from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.errors import PackError
from models.convert import convert_resnet, fold
from models.dlibnet import Affine, Conv, Input, read_resnet
from models.sessions import Session
from tests.unit.models.dat import Array
from tests.unit.models.resnet import MEAN, small_resnet

DRAW = np.random.default_rng(3)
PICTURE: Array = DRAW.integers(0, 256, (150, 150, 3)).astype(np.float32)
DATA, VECTOR = small_resnet(PICTURE)


def test_layers_come_in_the_order_of_computing() -> None:
    layers = read_resnet(DATA)
    first, conv = layers[0], layers[1]
    assert isinstance(first, Input)
    np.testing.assert_allclose(first.mean, MEAN, rtol=1e-6)
    assert isinstance(conv, Conv)
    assert conv.weights.shape == (2, 3, 7, 7)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_converted_network_computes_what_dlib_would(seed: int) -> None:
    data, wanted = small_resnet(PICTURE, seed)
    session = Session(convert_resnet(data), "small")
    got = session.run(np.ascontiguousarray(PICTURE.transpose(2, 0, 1)[None]))[0][0]
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())


def test_conversion_gives_the_same_bytes_every_time() -> None:
    assert convert_resnet(DATA) == convert_resnet(DATA)


def test_folding_leaves_no_affine_layer() -> None:
    assert not any(isinstance(layer, Affine) for layer in fold(read_resnet(DATA)))


@given(st.integers(0, len(DATA) - 1))
def test_a_file_cut_short_is_refused(length: int) -> None:
    with pytest.raises(PackError, match="damaged at byte"):
        read_resnet(DATA[:length], "resnet.dat")


@settings(max_examples=200)
@given(st.integers(0, len(DATA) - 1), st.integers(0, 255))
def test_a_changed_byte_never_ends_in_another_error(at: int, value: int) -> None:
    spoilt = DATA[:at] + bytes([value]) + DATA[at + 1 :]
    try:
        layers = read_resnet(spoilt)
    except PackError:
        return
    assert len(layers) == 131


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(PackError):
        read_resnet(data)
