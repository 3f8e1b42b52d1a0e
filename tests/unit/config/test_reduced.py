"""What is left of a gate in safe mode."""

from __future__ import annotations

import pytest

from agent.config.crosscheck import cross_check
from agent.config.reduced import reduced
from tests.support.samples import gate

FACES = ("rules:\n", "faces: {enabled: true}\nrules:\n  - {type: watchlist.face}\n")


def test_the_data_folder_is_left_alone_and_with_it_every_command() -> None:
    whole = gate(("run_dir:", "trusted_keys: /etc/keys.json\n  run_dir:"))
    less = reduced(whole, bare=True, aside=True)
    assert less.node.data_dir == whole.node.run_dir / "safe-mode"
    assert less.node.trusted_keys is None
    assert less.node.address == whole.node.address
    assert reduced(whole, bare=True).node == whole.node


@pytest.mark.parametrize(("bare", "inputs"), [(False, 8), (True, 4)])
def test_panic_and_doors_stay_and_the_rest_goes(bare: bool, inputs: int) -> None:
    whole = gate(FACES)
    less = reduced(whole, bare=bare)
    assert (less.cameras, less.faces.enabled) == ({}, False)
    assert [rule.type for rule in less.rules] == ["panic"]
    assert less.rules[0].outputs == ["siren-1"]
    assert len(less.inputs) == inputs
    assert {"panic-1", "reset-1", "exit-1", "door-1"} <= less.inputs.keys()
    assert (less.outputs, less.access) == (whole.outputs, whole.access)
    assert (less.node, less.link, less.outbox) == (whole.node, whole.link, whole.outbox)
    assert list(cross_check(less)) == []
