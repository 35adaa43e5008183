"""NVIDIA Triton Inference Server, from the wheel ``nvidia-pytriton``, which carries the real server.

The Python backend runs our model code in stubs of this very Python version, with the product's packages on their path.

It listens on Unix sockets in a folder that nobody else can pass. A secret (``--grpc-restricted-protocol``) would stand in its
arguments, where every login of the machine can read it. Only its metrics have a port.
"""

import shutil
import sys
import sysconfig
from ctypes.util import find_library
from pathlib import Path
from urllib.parse import quote

from services.stack import models, private
from services.stack.context import StackContext
from services.stack.errors import StackError
from services.stack.home import CHECKOUT, Home
from services.stack.plan import ProcessSpec
from services.stack.ports import LOOPBACK
from services.stack.wheels import PinnedWheel, unpacked_wheel

NAME = "triton"
_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_SERVER = "pytriton/tritonserver"
_LIBRARIES = "nvidia_pytriton.libs"
WHEEL = PinnedWheel(
    name="nvidia-pytriton",
    version="0.7.0",
    sha256="21f063ff93bb426d0c06b7a55e7eb9efcfe62c0dddd9a908e9877e18710128df",
    members=(
        f"{_SERVER}/bin/",
        f"{_SERVER}/backends/python/",
        f"{_SERVER}/python_backend_stubs/{_PYTHON}/",
        f"{_LIBRARIES}/",
        "nvidia_pytriton-0.7.0.dist-info/licenses/",
    ),
    megabytes=55,
    instead="Set DUBLINE_TRITON_URL (host:port of its gRPC service) to a Triton server that runs already.",
)


def describe(context: StackContext) -> ProcessSpec:
    """Unpacks the server (once), gathers the backends, and says how to run it on the models that have weights."""
    if not (context.home.wheels / WHEEL.folder).exists():
        context.say(f"Downloading NVIDIA Triton Inference Server ({WHEEL.megabytes} MB, once)")
    wheel = unpacked_wheel(WHEEL, context.home.wheels)
    metrics, repository = context.port(NAME, "metrics"), models_folder(context)
    regions = regions_of(context.home)
    return ProcessSpec(
        name=NAME,
        command=(
            *(sys.executable, "-I", private.__file__, str(_http(context)), str(_grpc(context)), regions, "--"),
            # It has a model loaded again whose process died; the server itself never does.
            *(sys.executable, "-I", str(CHECKOUT / "deploy" / "triton" / "keeper.py")),
            str(wheel / _SERVER / "bin" / "tritonserver"),
            f"--model-repository={repository}",
            f"--backend-directory={_backends(context, wheel)}",
            f"--backend-config=python,shm-region-prefix-name={regions}",
            "--model-control-mode=explicit",
            # Our configurations are complete. To complete one, each model would first be imported in a process of its own.
            "--disable-auto-complete-config",
            *(f"--load-model={name}" for name in models.with_weights(repository)),
            # A model that cannot load is reported by name while the others serve on.
            "--exit-on-error=false",
            "--strict-readiness=false",
            "--exit-timeout-secs=5",
            # Its gRPC service puts a colon and the port behind the name, its HTTP service does not.
            f"--http-address=unix:{_http(context)}",
            f"--grpc-address=unix:{str(_grpc(context)).removesuffix(':8001')}",
            "--grpc-port=8001",
            f"--metrics-address={LOOPBACK}",
            f"--metrics-port={metrics}",
        ),
        env=_environment(wheel),
        cwd=str(context.home.run),
        probe=f"http+unix://{quote(str(_http(context)), safe='')}/v2/health/ready",
        grace=12.0,
    )


def settings(context: StackContext) -> dict[str, str]:
    """How our services reach the server: gRPC for inference, HTTP for health."""
    return {
        "DUBLINE_TRITON_URL": f"unix:{_grpc(context)}",
        "DUBLINE_TRITON_HTTP_URL": f"unix:{_http(context)}",
        "DUBLINE_TRITON_METRICS_URL": f"http://{LOOPBACK}:{context.port(NAME, 'metrics')}/metrics",
    }


def regions_of(home: Home) -> str:
    """What the names of its shared memory begin with: frames on their way to the models and back."""
    return f"{home.name}-triton_shm_region_"


def _http(context: StackContext) -> Path:
    return context.home.sockets / "triton:8000"


def _grpc(context: StackContext) -> Path:
    return context.home.sockets / "triton:8001"


def models_folder(context: StackContext) -> Path:
    """The model repository: the checkout's, or the one that ``DUBLINE_MODEL_REPO`` names."""
    return Path(context.environ.get("DUBLINE_MODEL_REPO") or CHECKOUT / "model_repo").resolve()


def _backends(context: StackContext, wheel: Path) -> Path:
    """A folder with the Python backend, its stub, and our backend, which is Python code that it runs."""
    folder = context.home.run / "triton-backends"
    shutil.rmtree(folder, ignore_errors=True)
    python = folder / "python"
    python.mkdir(parents=True)
    for file in (wheel / _SERVER / "backends" / "python").iterdir():
        # Copies: the server refuses a backend whose library lies outside its folder.
        shutil.copy(file, python)
    stub = wheel / _SERVER / "python_backend_stubs" / _PYTHON / "triton_python_backend_stub"
    if not stub.exists():
        raise StackError(f"the server has no stub for Python {_PYTHON}", suggestions=(WHEEL.instead,))
    shutil.copy(stub, python)
    shutil.copytree(CHECKOUT / "deploy" / "triton" / "lipforcing", folder / "lipforcing")
    return folder


def _environment(wheel: Path) -> dict[str, str]:
    libraries = [wheel / _LIBRARIES]
    if own := _own_libpython():
        libraries.append(own)
    packages = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), str(CHECKOUT / "shared")]
    return {
        "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
        "PYTHONPATH": ":".join(dict.fromkeys(packages)),
        # One thread for each instance. OpenMP's threads wait for each other by spinning: on two cores that were busy with other
        # work, two threads took 66 ms for a frame of `tiny` and one took 9; on idle ones 6 and 7. The three models of a job,
        # and the workers beside them, use the other cores. With a GPU none of this matters.
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }


def _own_libpython() -> Path | None:
    """The folder of the shared library of this interpreter; None when the system's loader finds one by itself.

    Raises:
        StackError: there is none; the stub cannot start without it.
    """
    folder = Path(sysconfig.get_config_var("LIBDIR") or "/nonexistent")
    if (folder / f"libpython{_PYTHON}.so.1.0").exists():
        return folder
    if find_library(f"python{_PYTHON}") is not None:
        return None
    raise StackError(
        f"Triton's Python backend needs libpython{_PYTHON}.so.1.0, which this machine lacks",
        suggestions=(f"Run: sudo apt-get install libpython{_PYTHON}", WHEEL.instead),
    )
