"""How the long-running programs begin and end: one argument, exit codes, last words.

``python -m agent.main FILE`` is what ``gatehouse run`` becomes, and ``agent.vision_main`` likewise:
they load nothing of the command line's libraries.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path

from agent.core.errors import GatehouseError
from agent.runtime.dumps import forbid_dumps

log = logging.getLogger(__name__)
INTERNAL = 70


def enter(run: Callable[[Path], None]) -> None:
    """Run a program on the configuration file that the command line names; ends the process."""
    forbid_dumps()
    try:
        run(Path(sys.argv[1]))
    except GatehouseError as error:
        print(error, file=sys.stderr, flush=True)
        sys.exit(error.exit_code)
    except Exception:
        log.exception("ended by an error of its own")
        sys.exit(INTERNAL)
