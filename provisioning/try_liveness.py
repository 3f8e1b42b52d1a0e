"""``gatehouse models try-liveness``: is a camera fit to tell a person from a print?

Somebody stands before the camera and follows the prompts. Nothing opens by it, nothing is sent and
nothing of the face is kept. Here: camera and terminal. Not here: the checks (``models.trial``).
"""

from __future__ import annotations

import random
import select
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.core.errors import CheckFailedError, ConfigError, DeviceError
from provisioning.call import ConfigOption, load_config
from provisioning.output import JsonFlag, show

if TYPE_CHECKING:
    from agent.config.schema.root import Config
    from devices.camera import Camera
    from models.trial import LivenessTrial, TrialEnd

PROMPTS = {
    "come": "Step in front of the camera. 请站到摄像机前",
    "face": "Look at the camera. 请正视摄像机",
    "left": "Turn your head slowly to YOUR LEFT. 请缓慢向您的左侧转头",
    "right": "Turn your head slowly to YOUR RIGHT. 请缓慢向您的右侧转头",
    "over": "Done. 完成",
}
_ATTEND_S = 2.0
_MOST_WAIT_S = 0.2


def try_liveness(
    config: ConfigOption,
    camera: Annotated[str, typer.Option(help="A camera of the configuration.", metavar="NAME")],
    directory: Annotated[
        Path | None, typer.Option("--dir", help="The packs' folder.", show_default=False)
    ] = None,
    wait: Annotated[float, typer.Option(min=1, max=600, help="Seconds, at most.")] = 60.0,
    as_json: JsonFlag = False,
) -> None:
    """Ask somebody to look and to turn the head; exit 1 unless both checks pass. 活体检测试用."""
    from devices.camera import Camera
    from models.livecheck import LivenessCheck
    from models.packs import load_detector, load_liveness, models_dir
    from models.trial import LivenessTrial

    settings = load_config(config)
    folder = models_dir(directory or settings.models.dir)
    faces = settings.faces
    check = LivenessCheck(load_liveness(folder, faces.liveness or "minifasnet").net)
    finder = load_detector(folder, faces.detector or "yunet").detector
    eye = Camera(*_chosen(settings, camera), monotonic_ns=time.monotonic_ns, uniform=random.random)
    try:
        end = _watched(eye, LivenessTrial(finder, check), wait)
    finally:
        eye.close()
    told = _told(end)
    show(told, _text(told), as_json=as_json)
    if not end.passed:
        raise CheckFailedError("the checks did not both pass: nothing may be opened by them")


def _chosen(settings: Config, name: str) -> tuple[Any, Any]:
    if name not in settings.cameras:
        known = ", ".join(settings.cameras) or "none"
        raise ConfigError(f"there is no camera '{name}' in the configuration ({known})")
    return name, settings.cameras[name]


def _watched(eye: Camera, trial: LivenessTrial, wait_s: float) -> TrialEnd:
    """Show the camera's pictures to the trial and its prompts to the person until it ends."""
    until_s = time.monotonic() + wait_s
    said = ""
    while time.monotonic() < until_s:
        if trial.prompt != said:
            said = trial.prompt
            print(PROMPTS[said], file=sys.stderr, flush=True)
        if trial.end is not None:
            return trial.end
        select.select([eye], [], [], min(eye.wait_s(), _MOST_WAIT_S))
        frame = eye.poll().frame
        eye.attend(_ATTEND_S)
        if frame is None:
            trial.tick(time.monotonic_ns())
            continue
        with frame:
            trial.look(frame.pixels, frame.monotonic_ns)
    raise DeviceError(f"nobody was seen to the end within {wait_s:g} s by camera {eye.name}")


def _told(end: TrialEnd) -> dict[str, Any]:
    return {
        "print": end.prints.outcome.value,
        "live": None if end.prints.live is None else round(end.prints.live, 3),
        "frames": end.prints.frames,
        "doubt": None if end.prints.doubt is None else end.prints.doubt.value,
        "turn": end.turn.value,
        "passed": end.passed,
    }


def _text(told: dict[str, Any]) -> str:
    why = f" ({told['doubt']})" if told["doubt"] else ""
    return f"signs of a print: {told['print']}{why}\nturn of the head: {told['turn']}"
