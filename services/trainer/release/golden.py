"""``python -m services.trainer.release.golden REPOSITORY PRESET VERSION TRITON``: does the server make what the weights say?

One fixed clip goes through the server's three models and through the same weights in this process. The pictures must agree, the
digest must be the candidate's, and the result must be a picture.

Legend: V video frames, H/W crop side, C colours, S samples.
"""

import json
import sys
from pathlib import Path
from typing import Any

from dubbing.imports import lasting

with lasting():
    import numpy as np
    from numpy.typing import NDArray

    from dubbing.errors import ChunkFailed
    from dubbing.inference.engine import ChunkRequest, LipSyncEngine, SpeechWindow
    from dubbing.inference.in_process import InProcessEngine
    from dubbing.inference.triton import TritonEngine
    from dubbing.settings import TritonSettings
    from lipforcing.contract import SAMPLE_RATE, STUDENTS, frames_of
    from services.trainer.release.child import answer


_BLOCKS, _FPS, _SEED = 2, 25, 20_260_611
_SECONDS = 1200.0  # for one request: the first ones of a big student that was just loaded, or on a CPU, take minutes
# 8-bit steps: other kernels round otherwise, other weights make another face.
_MEAN, _MOST = 1.0, 48


def golden_clip(crop: int) -> tuple[NDArray[np.uint8], SpeechWindow]:
    """A fixed clip: soft moving light, and a sound that rises and falls; the same bytes everywhere."""
    frames = frames_of(_BLOCKS)
    ys, xs, vs = np.mgrid[:crop, :crop, :frames].astype(np.float64)
    waves = [np.sin(xs / 19 + vs / 5), np.cos(ys / 23 - vs / 7), np.sin((xs + ys) / 31 + vs / 3)]
    crops = np.round(127.5 + 90 * np.stack(waves, axis=-1)).astype(np.uint8).transpose(2, 0, 1, 3)
    seconds = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    sound = 0.3 * np.sin(2 * np.pi * 180 * seconds) * np.sin(2 * np.pi * 3 * seconds) ** 2
    return np.ascontiguousarray(crops), SpeechWindow(sound.astype(np.float32), np.arange(frames) / _FPS + 0.5, (0.0, 0.2))


def generated_by(engine: LipSyncEngine) -> tuple[NDArray[np.uint8], set[str]]:
    """Frames of the golden clip, and the digests of the weights that made them."""
    crops, window = golden_clip(engine.contract.crop)
    latents, speech = engine.encode_faces(crops), engine.encode_speech(window)
    blocks = list(engine.generate(ChunkRequest(_SEED, 0, 1, latents, speech)))
    return np.concatenate([block.frames_VHWC for block in blocks]), {block.digest for block in blocks}


def agreement(
    served: NDArray[np.uint8], local: NDArray[np.uint8], digests: set[str], wanted: str
) -> tuple[dict[str, Any], str | None]:
    """Measured differences, and what is wrong with them."""
    if served.shape != local.shape:
        return {}, f"The server made frames of shape {served.shape}, not {local.shape}."
    apart = np.abs(served.astype(np.int16) - local)
    facts = {"mean_difference": round(float(apart.mean()), 4), "largest_difference": int(apart.max())}
    if digests != {wanted}:
        return facts, f"The server generated with weights {', '.join(sorted(digests))}, not {wanted}."
    if facts["mean_difference"] > _MEAN or facts["largest_difference"] > _MOST:
        return facts, "The server's frames are not those of the weights."
    return facts, None


def main() -> int:
    """Answer with the facts, ``fault`` null when all is well."""
    return answer(lambda: _compared(*sys.argv[1:]))


def _compared(repository: str, preset: str, version: str, url: str) -> dict[str, Any]:
    wanted = json.loads((Path(repository) / STUDENTS[preset].student / version / "model.json").read_text())["digest"]
    try:
        engine = TritonEngine(url, preset, int(version), _SECONDS, _SECONDS, secret=TritonSettings().secret)
        served, digests = generated_by(engine)
        local, _ = generated_by(InProcessEngine(Path(repository), preset, int(version)))
    except ChunkFailed as error:  # it is there, and cannot
        return {"digest": wanted, "fault": error.detail}
    facts, fault = agreement(served, local, digests, wanted)
    return {**facts, "digest": wanted, "fault": fault}


if __name__ == "__main__":
    sys.exit(main())
