"""PyTorch state files read without running them, and the network that comes of it."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.errors import PackError
from models.fasnet import convert_fasnet
from models.sessions import Session, Tensor
from models.torchdat import read_tensors
from tests.unit.models.fixtures import real

# Magic number, version, and what machine wrote it, as PyTorch begins such a file.
HEAD = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}q\x00."
EMPTY = b"\x80\x02}q\x00.\x80\x02]q\x00."


@pytest.mark.parametrize(
    ("state", "exported"),
    [
        ("2.7_80x80_MiniFASNetV2.pth", "minifasnet_v2_s2.7_80x80.onnx"),
        ("4_0_0_80x80_MiniFASNetV1SE.pth", "minifasnet_v1se_s4.0_80x80.onnx"),
    ],
)
def test_the_network_gives_what_the_makers_export_gives(state: str, exported: str) -> None:
    ours = convert_fasnet(real("models", "minivision", state).read_bytes())
    theirs = real("models", "minifasnet_onnx", exported).read_bytes()
    batch = np.random.default_rng(1).uniform(0, 255, (4, 3, 80, 80)).astype(np.float32)
    np.testing.assert_allclose(answer(ours, batch), answer(theirs, batch), atol=1e-6)


def answer(network: bytes, batch: Tensor) -> Tensor:
    return Session(network, "network").run(batch)[0]


def harmful(called: bytes) -> bytes:
    """A dictionary whose one value is what *called* gives for a word."""
    key = b"X\x0c\x00\x00\x00module.conv1"
    return b"\x80\x02}q\x00" + key + b"c" + called + b"\nX\x05\x00\x00\x00never\x85Rs."


@pytest.mark.parametrize(
    "called",
    [b"builtins\nprint", b"posix\nsystem", b"torch._utils\n_rebuild_tensor_v3"],
)
def test_a_file_that_would_call_something_is_refused_and_calls_nothing(
    called: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(PackError, match="it would call"):
        read_tensors(HEAD + harmful(called), "weights")
    assert capfd.readouterr().out == ""


def test_a_state_without_its_numbers_is_refused() -> None:
    whole = real("models", "minivision", "2.7_80x80_MiniFASNetV2.pth").read_bytes()
    for cut in (10, 2000, 60_000, len(whole) - 1):
        with pytest.raises(PackError):
            read_tensors(whole[:cut], "weights")
    count = struct.pack("<q", 1 << 40)
    at = whole.index(struct.pack("<q", 864))
    with pytest.raises(PackError, match="numbers in one piece"):
        read_tensors(whole[:at] + count + whole[at + 8 :], "weights")


def test_weights_of_another_network_are_refused_by_what_is_missing() -> None:
    data = HEAD + EMPTY
    with pytest.raises(PackError, match=r"not MiniFASNet's: .*conv1"):
        convert_fasnet(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    for tail in (data, HEAD + data):
        with pytest.raises(PackError):
            read_tensors(tail, "weights")
