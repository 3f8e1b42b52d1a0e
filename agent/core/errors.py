"""Every error that Gatehouse raises on purpose, with the exit code a person's shell sees.

One root, leaves named by cause. An error's text says what happened and what to do.
Exit codes: CONTRACT 6 (1 failed check, 69 unreachable, 70 internal, 78 configuration, as sysexits).
"""

from __future__ import annotations


class GatehouseError(Exception):
    """Root of all expected failures."""

    exit_code = 70


class CheckFailedError(GatehouseError):
    """Something was checked and is not as it has to be."""

    exit_code = 1


class UnreachableError(GatehouseError):
    """A peer (agent, station, broker) does not answer."""

    exit_code = 69


class ConfigError(GatehouseError):
    """The configuration file cannot be used; the text lists every problem."""

    exit_code = 78


class AlreadyRunningError(GatehouseError):
    """Another process holds the data folder."""

    exit_code = 1


class DeviceError(GatehouseError):
    """A device could not be opened, read or driven."""


class StoreError(GatehouseError):
    """A durable store refused to write or read."""


class StoreFullError(StoreError):
    """A durable store has no room left."""


class SealedError(StoreError):
    """Sealed data cannot be opened.

    ``key_id`` names the key that is missing; empty: the data are not genuine.
    """

    def __init__(self, text: str, key_id: str = "") -> None:
        super().__init__(text)
        self.key_id = key_id


class PackError(GatehouseError):
    """A model pack is missing, altered or does not compute what it must."""

    exit_code = 1


class PhotoError(GatehouseError):
    """A photo cannot become a template; the text says why."""

    exit_code = 1


class PurposeError(GatehouseError):
    """Faces that are kept for one purpose were to be searched for another: a fault of ours."""


class RefusedError(GatehouseError):
    """A command or document from outside is refused.

    ``reason`` is a member of :class:`contract.words.Refusal`; the text adds the detail.
    """

    exit_code = 1

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
