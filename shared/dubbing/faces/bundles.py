"""The library and the model files that find faces and hands: nothing is loaded before it is needed, or that is not pinned."""

import atexit
from hashlib import sha256
from pathlib import Path
from typing import Any
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from dubbing.errors import Permanent


def verified(model: Path, expected: str) -> bytes:
    """The content of a model file.

    Args:
        model: its path.
        expected: its SHA-256 in hexadecimal digits.

    Raises:
        Permanent: the file is missing or is another one.
    """
    advice = (f"Restore third_party/{model.stem}/{model.name} from the repository.",)
    try:
        content = model.read_bytes()
    except OSError as error:
        raise Permanent(f"The model {model.name} cannot be read: {error}", {"stage": "prepare"}, advice) from error
    digest = sha256(content).hexdigest()
    if digest != expected:
        raise Permanent(
            f"{model} has SHA-256 {digest}, expected {expected}: it is not the pinned model.", {"stage": "prepare"}, advice
        )
    return content


def mediapipe() -> Any:
    """MediaPipe, loaded when a detector is made: it brings matplotlib along, and most of our processes never see a face."""
    import mediapipe  # noqa: PLC0415 - see above

    return mediapipe


_OPEN: WeakSet[Any] = WeakSet()


def closed_at_exit(task: Any) -> Any:
    """``task``, a detector of MediaPipe's, closed when the program ends, if it is open: its own ``__del__`` comes too late.

    By then the interpreter has taken away what that needs, and a traceback is the last that a command says.
    """
    _OPEN.add(task)
    return task


@atexit.register
def _close() -> None:
    for task in list(_OPEN):
        task.close()


def image(picture: NDArray[np.uint8]) -> Any:
    """A picture, uint8 [H, W, 3] RGB and contiguous, as MediaPipe's detectors take it."""
    library: Any = mediapipe()
    return library.Image(image_format=library.ImageFormat.SRGB, data=picture)
