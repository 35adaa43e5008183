"""Students on held-out footage: who copies is found out, who says what was filmed is perfect, and the whole command."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from held_out_footage import FRAMES, held_out
from numpy.typing import NDArray
from places import LANDMARKER, ROOT
from safetensors.torch import save_file

from dubbing.errors import BadDataset, BadInput
from dubbing.faces.detector import MediaPipeDetector
from lipforcing import syncnet
from services.trainer.evaluation.footage import FootageJudge
from services.trainer.footage.frozen import FrozenClips
from services.trainer.footage.place import FolderPlace
from services.trainer.metrics.gate import FOOTAGE_RULES, RULES, SYNC_RULES, compare
from services.trainer.models.dubber import Dubber
from synthetic.splits import Split

Frames = NDArray[np.uint8]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return held_out(tmp_path_factory.mktemp("footage") / "set")


def frozen(place: Path, **other: Any) -> FrozenClips:
    options = {"split": Split.TEST, "clips": 24, "frames": FRAMES, "seed": 1, **other}
    return FrozenClips(FolderPlace(place), options.pop("preset", "tiny"), **options)


class Shown(Dubber):
    """A student that sees pictures in place of latents, and answers with one of the two that it is shown."""

    def __init__(self, answer: int) -> None:
        self._answer, self.device = answer, torch.device("cpu")

    def listen(self, sound_S: NDArray[np.int16], times_V: NDArray[np.float64]) -> Any:
        del sound_S
        return times_V

    def encode(self, crops_VHWC: Frames) -> Any:
        return crops_VHWC, crops_VHWC

    def say(self, reference_TZhw: Any, masked_TZhw: Any, speech_VA: Any, seed: int = 0) -> Frames:
        del speech_VA, seed
        return (reference_TZhw, masked_TZhw)[self._answer]  # type: ignore[no-any-return]


def measured(student: Dubber, clips: FrozenClips) -> dict[str, Any]:
    with MediaPipeDetector(LANDMARKER) as detector:
        return FootageJudge(detector, None, 1).measure(student, clips)


def test_a_student_that_copies_what_it_is_shown_does_not_look_good_and_one_that_says_what_was_filmed_is_perfect(
    place: Path,
) -> None:
    clips = frozen(place)
    copies, perfect = measured(Shown(0), clips), measured(Shown(1), clips)
    assert {name: perfect[name] for name in ("r_open", "r_open_worst", "r_width", "lag_within_1")} == {
        "r_open": 1.0, "r_open_worst": 1.0, "r_width": 1.0, "lag_within_1": 1.0,
    }  # fmt: skip
    assert (perfect["mae_open"], perfect["mouth_error"]) == (0.0, 0.0)
    assert copies["r_open"] < 0.9
    assert copies["mouth_error"] > 1.0
    # Dubbed with another clip's words it is its own reference, and the filmed mouth comes through.
    assert copies["r_swapped_leak"] == 1.0
    assert copies["r_swapped"] == perfect["r_wrong"]
    verdict = compare(copies, perfect, FOOTAGE_RULES)
    assert {"r_open", "r_width", "mae_open", "mouth_error"} <= set(verdict.worse)


def test_the_rules_of_footage_are_those_of_the_gate_but_for_what_lies_around_the_crop() -> None:
    assert {**FOOTAGE_RULES, "untouched": RULES["untouched"]} == RULES
    assert SYNC_RULES.keys() - FOOTAGE_RULES.keys() == {"sync_confidence"}


@pytest.mark.slow
def test_the_committed_model_is_measured_on_footage_beside_itself_and_nothing_differs(place: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    save_file(syncnet.SyncNet(syncnet.TINY).state_dict(), tmp_path / "sync.safetensors")
    command = [sys.executable, "-m", "services.trainer.evaluation", "tiny", "--against", str(ROOT / "model_repo"), "--data",
               str(place), "--split", "test", "--frames", str(FRAMES), "--syncnet", str(tmp_path / "sync.safetensors"),
               "-o", str(tmp_path / "out")]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told, facts = json.loads(done.stdout), json.loads((tmp_path / "out" / "report.json").read_text())
    new, old = facts["models"]
    assert new["figures"] == old["figures"] == told["figures"]
    assert new["clips"] == old["clips"]
    figures = {figure["name"]: figure for figure in told["gate"]}
    assert all(figures[name]["candidate"] is not None and figures[name]["passed"] for name in SYNC_RULES)
    assert told["figures"]["clips"] == 2
    low, high = told["intervals"]["r_open"]
    assert low <= told["figures"]["r_open"] <= high
    assert told["figures"]["r_open"] > 0.3  # it follows the sound; 21 frames of one sentence tell no more
    assert told["figures"]["mouth_error"] < 12
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("<video") == 2
    assert all((tmp_path / "out" / "players" / f"clip-0{number}.mp4").stat().st_size > 1_000 for number in range(2))


class TestFrozenClips:
    """Which clips are measured on, and what cannot be."""

    def test_a_seed_draws_the_same_clips_each_time_and_no_more_than_there_are(self, place: Path) -> None:
        drawn = [[clip.key for clip in frozen(place)] for _ in range(2)]
        assert drawn[0] == drawn[1] == ["clip-0+0", "clip-1+0"]
        assert len(frozen(place)) == 2

    def test_clips_are_drawn_from_all_shards(self, tmp_path: Path) -> None:
        many = held_out(tmp_path / "many", clips=4)
        chosen = {tuple(clip.key for clip in frozen(many, clips=2, seed=seed)) for seed in range(12)}
        assert all(len(keys) == 2 for keys in chosen)
        assert len(chosen) > 2

    @pytest.mark.parametrize(
        ("options", "words"),
        [({"split": Split.DEV}, "0 clips in the split dev"), ({"preset": "1.3b"}, "has crops of 128 pixels; 1.3b needs 512")],
    )
    def test_a_set_without_what_is_needed_is_refused(self, place: Path, options: dict[str, Any], words: str) -> None:
        with pytest.raises(BadDataset, match=words):
            frozen(place, **options)

    @pytest.mark.parametrize("options", [{"clips": 1}, {"frames": 9}, {"frames": 22}, {"frames": 93}])
    def test_numbers_that_cannot_be_are_refused(self, place: Path, options: dict[str, Any]) -> None:
        with pytest.raises(BadInput):
            frozen(place, **options)

    def test_a_place_that_cannot_be_read_is_no_data_set(self, place: Path, tmp_path: Path) -> None:
        for nothing in (tmp_path, place / "dataset.json"):
            with pytest.raises(BadDataset):
                frozen(nothing)
