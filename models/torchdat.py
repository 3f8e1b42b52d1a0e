"""Reads the tensors out of a PyTorch state file (the form before 1.6), running nothing of it.

Such a file is a few pickles and then raw numbers. Loading a pickle runs what it says, so it is
never loaded: its opcodes are listed (``pickletools``, which runs nothing) and followed here, and
those alone that a dictionary of tensors needs. Any other opcode, or any other name to be called,
refuses the file. Not here: what the tensors mean (``models.fasnet``).
"""

from __future__ import annotations

import io
import math
import pickletools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from agent.core.errors import PackError

Tensors = dict[str, npt.NDArray[np.float32]]

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_MOST_NUMBERS = 1 << 24
_KINDS = {"torch FloatStorage": "<f4", "torch LongStorage": "<i8"}
_DICT = "collections OrderedDict"
_TENSOR = "torch._utils _rebuild_tensor_v2"
_MARK = object()


@dataclass(frozen=True, slots=True)
class _Name:
    """Something that the pickle would import; it stays a name."""

    text: str


@dataclass(frozen=True, slots=True)
class _Tensor:
    key: str
    kind: str
    offset: int
    shape: tuple[int, ...]


def read_tensors(data: bytes, what: str) -> Tensors:
    """The float32 tensors by name, counters left out; :class:`PackError` for any other file."""
    try:
        stream = io.BytesIO(data)
        if _read(stream) != _MAGIC or _read(stream) != _PROTOCOL:
            raise PackError(f"{what} is no PyTorch state file")
        _read(stream)
        state, keys = _read(stream), _read(stream)
        kinds = {tensor.key: tensor.kind for tensor in state.values()}
        storages = {key: _numbers(stream, kinds[key]) for key in keys}
        floats = {name: tensor for name, tensor in state.items() if tensor.kind == "<f4"}
        return {name: _cut(tensor, storages) for name, tensor in floats.items()}
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, struct.error) as error:
        raise PackError(f"{what} cannot be read as a PyTorch state file: {error!r}") from error


def _numbers(stream: io.BytesIO, kind: str) -> npt.NDArray[Any]:
    (count,) = struct.unpack("<q", stream.read(8))
    if not 0 <= count <= _MOST_NUMBERS:
        raise ValueError(f"{count} numbers in one piece")
    return np.frombuffer(stream.read(np.dtype(kind).itemsize * count), kind, count)


def _cut(tensor: _Tensor, storages: dict[str, Any]) -> npt.NDArray[np.float32]:
    count = math.prod(tensor.shape)
    flat = storages[tensor.key][tensor.offset : tensor.offset + count]
    return np.ascontiguousarray(flat.reshape(tensor.shape), np.float32)


def _read(stream: io.BytesIO) -> Any:
    """The value of the next pickle."""
    reader = _Reader()
    for opcode, argument, _ in pickletools.genops(stream):
        step = _STEPS.get(opcode.name)
        if step is None:
            raise ValueError(f"an opcode {opcode.name}, which no dictionary of tensors needs")
        step(reader, argument)
    (value,) = reader.stack
    return value


class _Reader:
    """The stack and memory of one pickle."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self._memory: dict[int, Any] = {}

    def nothing(self, _: Any) -> None:
        """Begin and end."""

    def push(self, value: Any) -> None:
        """A value that stands in the file."""
        self.stack.append(value)

    def name(self, text: Any) -> None:
        """What would be imported stays a name."""
        self.stack.append(_Name(text))

    def keep(self, number: Any) -> None:
        """Remember the topmost."""
        self._memory[number] = self.stack[-1]

    def again(self, number: Any) -> None:
        """What was remembered."""
        self.stack.append(self._memory[number])

    def group(self, _: Any) -> None:
        """A tuple of everything since the mark."""
        self.stack.append(tuple(self._since_mark()))

    def last(self, count: int) -> None:
        """A tuple of the topmost *count*."""
        self.stack[-count:] = [tuple(self.stack[-count:])]

    def extend(self, _: Any) -> None:
        """Items of a list."""
        items = self._since_mark()
        self.stack[-1].extend(items)

    def set_one(self, _: Any) -> None:
        """An entry of a dictionary."""
        value, key = self.stack.pop(), self.stack.pop()
        self.stack[-1][key] = value

    def set_many(self, _: Any) -> None:
        """Entries of a dictionary."""
        items = self._since_mark()
        self.stack[-1].update(zip(items[::2], items[1::2], strict=True))

    def numbers(self, _: Any) -> None:
        """A reference to a piece of numbers."""
        self.stack.append(_storage(self.stack.pop()))

    def make(self, _: Any) -> None:
        """A call: of the two that are known, or none."""
        arguments, called = self.stack.pop(), self.stack.pop()
        self.stack.append(_made(called, arguments))

    def drop(self, _: Any) -> None:
        """Attributes of the dictionary: versions of its modules."""
        self.stack.pop()

    def _since_mark(self) -> list[Any]:
        at = len(self.stack) - 1 - self.stack[::-1].index(_MARK)
        items = self.stack[at + 1 :]
        del self.stack[at:]
        return items


_STEPS: dict[str, Callable[[_Reader, Any], None]] = {
    "PROTO": _Reader.nothing,
    "STOP": _Reader.nothing,
    "BINPUT": _Reader.keep,
    "LONG_BINPUT": _Reader.keep,
    "BINGET": _Reader.again,
    "LONG_BINGET": _Reader.again,
    "BINUNICODE": _Reader.push,
    "BININT": _Reader.push,
    "BININT1": _Reader.push,
    "BININT2": _Reader.push,
    "LONG1": _Reader.push,
    "GLOBAL": _Reader.name,
    "NONE": lambda reader, _: reader.push(None),
    "NEWTRUE": lambda reader, _: reader.push(value=True),
    "NEWFALSE": lambda reader, _: reader.push(value=False),
    "MARK": lambda reader, _: reader.push(_MARK),
    "EMPTY_DICT": lambda reader, _: reader.push({}),
    "EMPTY_LIST": lambda reader, _: reader.push([]),
    "EMPTY_TUPLE": lambda reader, _: reader.push(()),
    "TUPLE": _Reader.group,
    "TUPLE1": lambda reader, _: reader.last(1),
    "TUPLE2": lambda reader, _: reader.last(2),
    "TUPLE3": lambda reader, _: reader.last(3),
    "APPENDS": _Reader.extend,
    "SETITEM": _Reader.set_one,
    "SETITEMS": _Reader.set_many,
    "BINPERSID": _Reader.numbers,
    "REDUCE": _Reader.make,
    "BUILD": _Reader.drop,
}


def _storage(told: Any) -> tuple[str, str]:
    """Key and kind of a piece of numbers."""
    word, numbers, key, *_ = told
    if word != "storage" or not isinstance(numbers, _Name) or numbers.text not in _KINDS:
        raise ValueError(f"numbers of the kind {numbers}")
    return str(key), _KINDS[numbers.text]


def _made(called: Any, arguments: Any) -> Any:
    if called == _Name(_DICT) and not arguments:
        return {}
    if called == _Name(_TENSOR):
        (key, kind), offset, shape, strides, *_ = arguments
        whole = tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))
        if strides != whole:
            raise ValueError("a tensor that does not lie in order")
        return _Tensor(key, kind, offset, shape)
    raise ValueError(f"it would call {called}")
