"""``python -m provisioning``: the same as the program ``gatehouse``."""

from __future__ import annotations

from provisioning.cli import main

main()
