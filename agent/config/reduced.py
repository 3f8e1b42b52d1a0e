"""The configuration of a gate in safe mode: what people need, and nothing that may be what crashes.

Kept: panic with its sirens and its clock, and doors without faces (exit buttons, contacts, relays).
Left out: cameras, faces, readers, every rule of the site's own; with *bare* also all other inputs.
With *aside* the data folder is left alone and an empty one used; then no command is obeyed, because
the memory of those that were lies in the other. Pure.
"""

from __future__ import annotations

from agent.config.schema.answering import Answering
from agent.config.schema.root import Config
from agent.config.schema.rules import PanicRule
from agent.config.schema.vision import Faces

_BARE_INPUTS = frozenset({"panic", "reset", "exit", "door"})


def reduced(config: Config, *, bare: bool, aside: bool = False) -> Config:
    """*config* without everything that is not needed to call for help and to get out."""
    inputs = {
        name: item for name, item in config.inputs.items() if not bare or item.type in _BARE_INPUTS
    }
    rules = [rule for rule in config.rules if isinstance(rule, PanicRule)]
    node = config.node
    if aside:
        other = {"data_dir": node.run_dir / "safe-mode", "trusted_keys": None}
        node = node.model_copy(update=other)
    less = {"node": node, "inputs": inputs, "cameras": {}, "faces": Faces(), "rules": rules}
    less["evidence"] = None
    less["answering"] = Answering(sla=config.answering.sla)
    return config.model_copy(update=less)
