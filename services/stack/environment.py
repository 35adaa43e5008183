"""What the stack's processes see of their starter's environment: what can change how they work, and nothing of its terminal.

Each process has all of it in its plan, so that a corrected variable reaches what runs, and no other restarts anything.
"""

import os
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from services.stack.processes import postgres

_NAMES = {"HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "XDG_CACHE_HOME"}
_PREFIXES = (
    *("LD_", "MALLOC_", "GODEBUG", "GOGC", "GOMAXPROCS"),
    *("OMP_", "MKL_", "OPENBLAS_", "CUDA_", "NVIDIA_", "NCCL_", "GLOO_", "TORCH", "PYTORCH_", "TRITON_", "HF_"),
)
# Only our own services speak to others than each other.
_OF_NETWORKS = {
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"),
}
_OF_OURS = ("PYTHON", "GRPC_", "OTEL_")


def of_servers(environ: Mapping[str, str]) -> dict[str, str]:
    """What a server that others wrote sees of ``environ``."""
    seen = {name: value for name, value in environ.items() if name in _NAMES or name.startswith(_PREFIXES)}
    seen.pop("LD_LIBRARY_PATH", None)
    return seen | {"PATH": _path(environ)} | _libraries(environ)


def of_services(environ: Mapping[str, str]) -> dict[str, str]:
    """What a process of ours sees of ``environ``, besides the settings."""
    seen = {name: value for name, value in environ.items() if name in _OF_NETWORKS or name.startswith(_OF_OURS)}
    return of_servers(environ) | seen


def program_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What a program of the user sees of ``environ``: all of it, and this installation's programs are found.

    The clients that the carried database has (psql) come last: the system's own are preferred.
    """
    carried = postgres.carried()
    folders = (_path(environ), *([str(carried)] if carried is not None else []))
    return {**environ, "PATH": os.pathsep.join(folders)}


def _libraries(environ: Mapping[str, str]) -> dict[str, str]:
    """Without what OpenCV adds when it is imported, which some of our commands do: folders of its own, and an empty name.

    An empty name is the folder that a program runs in.
    """
    given = environ.get("LD_LIBRARY_PATH")
    if given is None:
        return {}
    packages = sysconfig.get_path("platlib")
    kept = [folder for folder in given.split(os.pathsep) if folder and not folder.startswith(packages)]
    return {"LD_LIBRARY_PATH": os.pathsep.join(kept)} if kept else {}


def _path(environ: Mapping[str, str]) -> str:
    """With this environment's programs first, whether it was activated or not; the Python inside Triton needs them, too."""
    own = str(Path(sys.executable).parent)
    return os.pathsep.join(dict.fromkeys([own, *environ.get("PATH", os.defpath).split(os.pathsep)]))
