"""Reads the primitives of dlib's serialised files (``.dat``) without dlib.

Here: numbers, texts, tensors and matrices with every length checked against the bytes that are
left. Not here: what layers and predictors are made of (``models.dlibnet``, ``models.dlibshape``).

The format, from dlib's ``serialize.h``, ``float_details.h`` and ``cuda/tensor.h``:
integer: a control byte (bit 7 the sign, low nibble n = 1 to 8), n little-endian bytes.
real: mantissa and exponent as integers, value = mantissa * 2 ** exponent; 32000 and above are
infinities and NaN. flag: ASCII ``0`` or ``1``. text: length, bytes. tensor: version 2, four
integers, raw little-endian float32. matrix: rows, columns (negative in the newer form), reals.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from agent.core.errors import PackError

Floats = npt.NDArray[np.float32]
Shape = tuple[int, int, int, int]
_T = TypeVar("_T")

_NOT_A_NUMBER = 32_000


class DatReader:
    """A cursor over the bytes of one file. Whatever does not fit raises :class:`PackError`."""

    def __init__(self, data: bytes, name: str) -> None:
        """*name* is how errors call the file."""
        self._data = data
        self._name = name
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return len(self._data) - self._at

    def fault(self, what: str) -> PackError:
        """An error that names the file and the place."""
        return PackError(
            f"{self._name} is damaged at byte {self._at}: {what}; fetch the models again"
        )

    def _take(self, count: int) -> bytes:
        if not 0 <= count <= self.left:
            raise self.fault(f"{count} bytes are due, {self.left} are left")
        piece = self._data[self._at : self._at + count]
        self._at += count
        return piece

    def integer(self) -> int:
        """The next integer, within 64 bits."""
        control = self._take(1)[0]
        size = control & 0x0F
        if control & 0x70 or not 1 <= size <= 8:
            raise self.fault(f"control byte {control:#04x} starts no integer")
        value = int.from_bytes(self._take(size), "little")
        return -value if control & 0x80 else value

    def count(self, *, at_least: int = 1) -> int:
        """How many things follow, each at least *at_least* bytes long."""
        value = self.integer()
        if not 0 <= value * at_least <= self.left:
            raise self.fault(f"{value} items cannot be in the {self.left} bytes left")
        return value

    def expect(self, *allowed: int) -> int:
        """An integer that must be one of *allowed*, a version for instance."""
        value = self.integer()
        if value not in allowed:
            raise self.fault(f"found {value} where one of {allowed} is due")
        return value

    def integers(self, count: int) -> list[int]:
        """The next *count* integers; the same as calling :meth:`integer`, in a tight loop."""
        if not 0 <= 2 * count <= self.left:
            raise self.fault(f"{count} numbers cannot be in the {self.left} bytes left")
        data, at, values = self._data, self._at, []
        for _ in range(count):
            control = data[at] if at < len(data) else 0
            end = at + 1 + (control & 0x0F)
            if control & 0x70 or not 1 <= control & 0x0F <= 8 or end > len(data):
                self._at = at
                raise self.fault("no integer stands here")
            value = int.from_bytes(data[at + 1 : end], "little")
            values.append(-value if control & 0x80 else value)
            at = end
        self._at = at
        return values

    def reals(self, count: int) -> Floats:
        """The next *count* numbers, all finite, as float32."""
        start = self._at
        pairs = self.integers(2 * count)
        mantissas = np.array(pairs[::2], np.float64)
        exponents = pairs[1::2]
        if any(not -_NOT_A_NUMBER < exponent < _NOT_A_NUMBER for exponent in exponents):
            self._at = start
            raise self.fault("a number is not finite")
        with np.errstate(over="ignore"):
            values = np.ldexp(mantissas, np.array(exponents, np.int64)).astype(np.float32)
        if not np.isfinite(values).all():
            self._at = start
            raise self.fault("a number is too large")
        return values

    def real(self) -> float:
        """The next finite number."""
        mantissa, exponent = self.integer(), self.integer()
        if abs(exponent) >= _NOT_A_NUMBER:
            raise self.fault("a number is not finite")
        try:
            return math.ldexp(mantissa, exponent)
        except OverflowError as error:
            raise self.fault("a number is too large") from error

    def flag(self) -> bool:
        """The next ASCII boolean."""
        byte = self._take(1)
        if byte not in (b"0", b"1"):
            raise self.fault(f"{byte!r} is no flag")
        return byte == b"1"

    def text(self) -> str:
        """The next ASCII text."""
        raw = self._take(self.count())
        try:
            return raw.decode("ascii")
        except UnicodeDecodeError as error:
            raise self.fault("a name is not ASCII") from error

    def word(self, *allowed: str) -> str:
        """A text that must be one of *allowed*, a layer's name for instance."""
        value = self.text()
        if value not in allowed:
            raise self.fault(f"found {value[:40]!r} where one of {allowed} is due")
        return value

    def shape(self) -> Shape:
        """Four extents that describe a part of a tensor stored elsewhere."""
        self.expect(1)
        return self._extents()

    def tensor(self) -> Floats:
        """A tensor of rank 4; empty ones are common."""
        self.expect(2)
        shape = self._extents()
        size = math.prod(shape)
        values = np.frombuffer(self._take(4 * size), "<f4").astype(np.float32)
        if not np.isfinite(values).all():
            raise self.fault("a weight is not finite")
        return values.reshape(shape)

    def _extents(self) -> Shape:
        shape = (self.integer(), self.integer(), self.integer(), self.integer())
        if min(shape) < 0 or math.prod(shape) > len(self._data):
            raise self.fault(f"a tensor cannot be of shape {shape}")
        return shape

    def matrix(self) -> Floats:
        """A matrix of reals, shape (rows, columns)."""
        rows, columns = abs(self.integer()), abs(self.integer())
        return self.reals(rows * columns).reshape(rows, columns)

    def many(self, read: Callable[[], _T]) -> list[_T]:
        """A vector: its length, then as many items as *read* reads."""
        return [read() for _ in range(self.count())]

    def finish(self) -> None:
        """Everything must have been read by now."""
        if self.left:
            raise self.fault(f"{self.left} bytes follow the end")
