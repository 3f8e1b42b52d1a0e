"""Every bench, one after the other: ``python -m bench [NAME...] [--json]``.

Each runs as a process of its own, so that none measures what another left behind.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

BENCHES = {
    "core": "what the core costs when nothing happens",
    "outbox": "what the outbox costs the card",
    "link": "what the link adds to a message's CPU",
    "press": "from a press to the station's receipt",
    "fleet": "a city's gates on one broker and one station",
    "answering": "200 incidents at once, and 50 neighbours at one call",
    "camera": "a capture process against bare decoding",
    "vision": "the vision program against bare decoding and other ways to watch",
    "cameras": "four 1080p cameras on one gate, and presses beside them",
    "gallery": "100,000 templates: one probe, and their replacement",
    "faces": "detect to template against the face_recognition way",
}


def main() -> int:
    """Run what is named, or all; 1 when one failed."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in BENCHES]
    if unknown:
        parser.error(f"there is no bench '{unknown[0]}'; there are: {', '.join(BENCHES)}")
    failed = []
    for name in options.names or BENCHES:
        if not options.json:
            print(f"\n== {name}: {BENCHES[name]}", flush=True)
        command = [sys.executable, "-m", f"bench.{name}", *(["--json"] if options.json else [])]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"failed or below its floor: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
