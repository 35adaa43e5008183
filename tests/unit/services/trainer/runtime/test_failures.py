"""What a process of a run tells its worker when it cannot go on: the worker raises the very same error."""

import errno
from pathlib import Path

import pytest
import torch
from full_disk import largest_file

from dubbing.errors import AcceleratorMissing, CorruptShard, DiskFull, DublineError, TrainingDiverged, UnfitStart
from services.trainer.common.group import Group
from services.trainer.common.site import Site
from services.trainer.footage.disk import disk_error
from services.trainer.footage.tensor_files import write_whole
from services.trainer.recipes import RECIPES
from services.trainer.recipes.offers import backend, open_stage
from services.trainer.runtime.outbox import Outbox
from services.trainer.runtime.rank import as_dubline_error


@pytest.mark.parametrize(
    "error",
    [
        TrainingDiverged("no", {"samples": ["clip 7", "clip 2"]}, ("look",), {"x0": "nan"}),
        CorruptShard("torn", {"shard": "shards/1.tar", "sample": "1"}, ("copy it again",)),
        UnfitStart("no network", {"pointer": "/settings/start"}),
        DiskFull("full"),
    ],
)
def test_an_error_survives_its_way_from_a_process_to_the_worker(error: DublineError, tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.give_up(1, DublineError("the collective failed, because another process had"))
    outbox.give_up(2, error)
    found = outbox.error()
    assert type(found) is type(error)
    assert found is not None
    assert found.problem() == error.problem()


def test_a_full_disk_is_told_as_one_wherever_a_run_meets_it_and_nothing_else_is(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "candidate"))
    assert isinstance(as_dubline_error(full, 0), DiskFull)
    assert as_dubline_error(full, 0).where == {"path": str(tmp_path / "candidate")}
    assert type(as_dubline_error(PermissionError(errno.EACCES, "no"), 3)) is DublineError
    assert as_dubline_error(ValueError("odd"), 3).where["rank"] == 3
    assert disk_error(odd := OSError(errno.EIO, "bad sector"), "x") is odd


def test_tensors_that_do_not_fit_on_the_disk_leave_nothing_and_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "latents.safetensors"
    write_whole(path, {"x": torch.zeros(3)})
    before = path.read_bytes()
    with largest_file(10_000), pytest.raises(DiskFull, match=r"latents\.safetensors"):
        write_whole(path, {"x": torch.zeros(100_000)})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


# Two cores will do for them.
SMALL = {
    "selftest",
    "teacher_tiny",
    "df_tiny",
    "sf_tiny",
    "sf_tiny_gpu",
    "teacher_tiny_tuned",
    "df_tiny_tuned",
    "sf_tiny_tuned",
}


@pytest.mark.parametrize("name", [name for name in RECIPES if name not in SMALL])
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is an accelerator")
def test_a_big_recipe_says_that_it_needs_a_gpu_before_anything_else(name: str, tmp_path: Path) -> None:
    assert RECIPES[name].accelerator
    for ask in (lambda: open_stage(name, {}, Site(tmp_path, Group(), tmp_path)), lambda: backend(name, {}, 1, 8)):
        with pytest.raises(AcceleratorMissing, match="this machine has 0") as raised:
            ask()
        assert "run the trainer's worker on a machine with GPUs" in raised.value.suggestions
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", sorted(SMALL))
def test_a_small_recipe_runs_without_a_gpu(name: str) -> None:
    assert not RECIPES[name].accelerator
