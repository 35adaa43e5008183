"""Entry point of the Triton backend ``lipforcing``; the code ships in the image, model versions hold only weights.

The server embeds an isolated Python that ignores PYTHONPATH, so it is honoured here.
"""

import gc
import os
import sys

sys.path[:0] = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and path not in sys.path]

# What is imported stays as long as the process: no garbage is looked for in it, neither while it comes nor while models serve.
gc.disable()
from lipforcing.serving.triton import TritonPythonModel  # noqa: E402 - found on the path that was just set

gc.freeze()
gc.enable()

__all__ = ["TritonPythonModel"]
