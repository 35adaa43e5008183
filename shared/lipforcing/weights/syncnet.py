"""SyncNet as its published file or the trainer keeps it."""

from pathlib import Path

from lipforcing.syncnet import PUBLISHED, SyncNet, SyncSizes
from lipforcing.weights.containers import open_container
from lipforcing.weights.errors import KeyMismatchError


def load_syncnet(path: Path, sizes: SyncSizes = PUBLISHED) -> SyncNet:
    """The network with the weights of a file, frozen.

    The file is read weights-only: a state dict in any container of ``lipforcing.weights``. A pickled module is refused, for
    opening one runs its code. Counters of batches, which old files lack and nobody reads, may be absent.

    Raises:
        UnreadableWeightsError: no such file, cut short, or more than tensors.
        KeyMismatchError: another network's names or shapes.
    """
    container = open_container(path)
    network = SyncNet(sizes)
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    given = {name: shape for name, (_, shape) in container.specs.items() if not name.endswith("num_batches_tracked")}
    needed = {name for name in wanted if not name.endswith("num_batches_tracked")}
    misshaped = [f"{name}: {given[name]}, not {wanted[name]}" for name in needed & given.keys() if given[name] != wanted[name]]
    if given.keys() != needed or misshaped:
        raise KeyMismatchError("syncnet", sorted(given.keys() - needed), sorted(needed - given.keys()), misshaped)
    network.load_state_dict({name: container.read(name).float() for name in given}, strict=False)
    return network.eval().requires_grad_(requires_grad=False)
