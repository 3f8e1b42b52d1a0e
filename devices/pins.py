"""The pins of this machine, by the name of the factory that drives them.

Here: opening gpiozero's pin factory by name. Never by gpiozero's own guess: its silent fall back
to another library is a failure that nobody sees.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from gpiozero.pins import Factory
from gpiozero.pins.mock import MockFactory

from agent.core.errors import DeviceError

FactoryName = Literal["lgpio", "mock"]


def open_pins(name: FactoryName, work_dir: Path) -> Factory:
    """The named pin factory; DeviceError when this machine has no such pins.

    *work_dir* is where lgpio may put its notification pipe (it writes to the working directory
    unless told otherwise).
    """
    if name == "mock":
        return MockFactory()
    os.environ.setdefault("LG_WD", str(work_dir))
    try:
        from gpiozero.pins.lgpio import LGPIOFactory  # noqa: PLC0415 - only where it is named

        return LGPIOFactory()
    except Exception as error:
        raise DeviceError(
            f"the GPIO pins cannot be opened through lgpio: {error}. Is this a Raspberry Pi, and is"
            " the user in the group 'gpio'? On another machine set node.pin_factory to 'mock'."
        ) from error
