"""What is wrong with a camera's picture, in words for whoever mends it. Pure."""

from __future__ import annotations

from agent.border.messages import CameraFigures
from agent.core.events import CameraState

_WORDS = {
    "blurred": "blurred: clean the lens or focus it",
    "backlit": "against the light: turn the camera, or switch its backlight compensation on",
    "burnt-out": "burnt out: lower the exposure, or shade the lens",
    "dim": "dim: faces need more light",
    "moved": "another scene than before: was the camera turned?",
}


def picture_text(camera: CameraFigures) -> str:
    """Empty where faces can be told apart; a camera that sees nothing is told already."""
    if camera.state is not CameraState.OK:
        return ""
    said = [_WORDS.get(word, word) for word in camera.concerns]
    if not said and camera.identify == "poor" and camera.face_px is not None:
        size = f"they come {camera.face_px:.0f} px wide"
        said = [
            f"its faces cannot be compared ({size}): put it nearer or lower, or light the place"
        ]
    return "; ".join(said)
