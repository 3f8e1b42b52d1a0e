"""Opens onnxruntime sessions from verified bytes, small in memory and quiet on the processor.

Why these settings (measured): spinning threads burned five times the processor
time that the work needs; a session made from a Python ``bytes`` keeps those bytes for its life,
so the bytes go through an anonymous memory file, which nobody else can change either. There is no
arena: it would keep the last face's numbers, while what is freed is wiped
(``agent.core.memory``).

onnxruntime's wheels for Linux report to their maker since 1.29, and keep a device number and a
database in the home folder. Nothing leaves the gate that way: it is switched off before the import.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from agent.core.errors import PackError
from agent.core.memory import give_back_memory

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime

Tensor = npt.NDArray[np.float32]
_ERRORS_ONLY = 3


class Session:
    """A network: one input, named outputs, float32 in and out."""

    def __init__(self, data: bytes, name: str, threads: int = 1) -> None:
        """*name* is how errors call the file; :class:`PackError` when *data* is no network."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_mem_pattern = False
        options.enable_cpu_mem_arena = False
        options.log_severity_level = _ERRORS_ONLY
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            with memory_file(data) as path:
                self._session: Any = onnxruntime.InferenceSession(
                    path, options, providers=["CPUExecutionProvider"]
                )
        except Exception as error:  # onnxruntime's own exceptions share no public base
            raise PackError(f"{name} is no network that can run here: {error}") from error
        self._name = name
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise PackError(f"{name} takes {len(inputs)} inputs; one is due")
        self._input: str = inputs[0].name
        self.input_shape: tuple[object, ...] = tuple(inputs[0].shape)
        give_back_memory()

    def run(self, batch: Tensor, *, rare: bool = False) -> list[Tensor]:
        """All outputs for *batch*, which must be contiguous float32; PackError if it cannot.

        *rare*: a size beyond what cameras need; its memory is given back afterwards.
        """
        try:
            outputs: list[Tensor] = self._session.run(None, {self._input: batch})
        except Exception as error:  # onnxruntime's own exceptions share no public base
            shape = "x".join(map(str, batch.shape))
            raise PackError(f"{self._name} cannot compute an input of {shape}: {error}") from error
        if rare:
            give_back_memory()
        return outputs


@contextmanager
def memory_file(data: bytes) -> Iterator[str]:
    """A path under which the process itself, and nobody else, can read exactly *data*."""
    descriptor = os.memfd_create("gatehouse-model", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(data)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
