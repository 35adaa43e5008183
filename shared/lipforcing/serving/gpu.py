"""What this library asks of a GPU beside tensors: whether there is one, how attention runs on it, whether it still answers.

Everything that depends on CUDA goes through here or ``serving.graphs``, so that a rehearsal without a GPU enters every branch.
"""

import os
import re
import signal
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from pathlib import Path

import torch
from torch.nn.attention import SDPBackend, activate_flash_attention_impl, sdpa_kernel

_DRIVER = Path("/proc/driver/nvidia/version")
_REST = (SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH)
# In the order in which they are tried for every call; ``auto`` is PyTorch's own order.
ATTENTION: Mapping[str, tuple[SDPBackend, ...]] = {
    "auto": (),
    "cudnn": (SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION, *_REST),
    "flash": (SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION, *_REST),
}


class NoGpuError(RuntimeError):
    """A model that needs a GPU, on a machine that should have one, and PyTorch sees none."""


def is_gpu(device: torch.device) -> bool:
    """Whether graphs, FP8 kernels and the like can be had on ``device``."""
    return device.type == "cuda"


def driver_version() -> str | None:
    """Version of NVIDIA's kernel driver; None where there is none."""
    try:
        found = re.search(r"\b\d{3,}\.\d+(\.\d+)?\b", _DRIVER.read_text())
    except OSError:
        return None
    return found[0] if found else None


def unseen() -> str:
    """What PyTorch, its CUDA and the driver are, where PyTorch sees no GPU; empty where it sees one."""
    if torch.cuda.is_available():
        return ""
    cuda = f"CUDA {torch.version.cuda}" if torch.version.cuda else "no CUDA in this build"
    driver = driver_version()
    return f"torch {torch.__version__} ({cuda}) sees no GPU (driver {driver or 'absent'})"


def device_for(kind: str, number: int, *, demo: bool) -> tuple[torch.device, str]:
    """Where an instance of a model computes.

    Args:
        kind: of the instance, as the inference server decided it: GPU or CPU.
        number: of its GPU.
        demo: a demonstration model is small enough to serve on a CPU; a large one would take minutes for a block there.

    Returns:
        The device, and what is odd about it: empty, or why a GPU instance computes on a CPU.

    Raises:
        NoGpuError: a large model on a machine with GPUs of which PyTorch sees none. A CPU instance counts too where there is
            a driver: the server makes one of its own accord when the last GPU is gone. ``CUDA_VISIBLE_DEVICES=`` (empty)
            says that it is meant.
    """
    missing = unseen()
    if kind == "GPU" and not missing:
        return torch.device("cuda", number), ""
    meant = os.environ.get("CUDA_VISIBLE_DEVICES") == ""
    if missing and not demo and (kind == "GPU" or (driver_version() is not None and not meant)):
        raise NoGpuError(f"{missing}; this model needs one. The README names the driver that this CUDA needs")
    return torch.device("cpu"), f"a GPU instance on the CPU: {missing}" if kind == "GPU" else ""


def attending(choice: str) -> AbstractContextManager[None]:
    """While it is entered, attention runs on the kernels of ``choice``, a key of ``ATTENTION``."""
    order = ATTENTION[choice]
    return sdpa_kernel(list(order), set_priority=True) if order else nullcontext()


def use_flash_attention_3(choice: str) -> None:
    """Let FlashAttention be version 3 where its package is installed; for every later call of this process."""
    if choice != "cudnn" and find_spec("flash_attn_interface") is not None:
        activate_flash_attention_impl("FA3")


def name(device: torch.device) -> str:
    """What the device is called: the GPU's name, or ``cpu``."""
    return torch.cuda.get_device_name(device) if is_gpu(device) else "cpu"


def free_bytes(device: torch.device) -> int:
    """Memory of the GPU that nobody holds, in any process; what PyTorch's allocator keeps in reserve counts as held."""
    return torch.cuda.mem_get_info(device)[0]


def answers(device: torch.device) -> bool:
    """Whether the device still computes. After some errors its context is lost, and everything fails until the process ends."""
    if not is_gpu(device):
        return True
    try:
        torch.cuda.synchronize(device)
        return bool(torch.ones(1, device=device).sum().item() == 1.0)
    except RuntimeError:
        return False


def end_server() -> None:
    """Stop the inference server that this process is a part of; whoever runs it starts it again, with the GPUs that are left.

    A server cannot lose one instance for good: sequences would go on being handed to it, and fail there.
    """
    os.kill(os.getppid(), signal.SIGTERM)
