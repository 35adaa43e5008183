"""``python -m studies.trajectory``: what ``dubline analyse-trajectory`` runs, on generated speakers."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch

from dubbing.errors import DublineError, InvalidSetting, UnfitStart
from lipforcing.contract import BLOCK_FRAMES, FIRST_BLOCK_FRAMES
from lipforcing.presets import TeacherConfig
from lipforcing.syncnet import TINY, ClipScorer
from lipforcing.weights.syncnet import load_syncnet
from services.trainer.common.console import ROOT, exit_code, say
from services.trainer.methods.encoders import load_encoders
from services.trainer.methods.folders import read_network
from services.trainer.methods.guidance import NullConditions
from services.trainer.methods.samples import collate
from services.trainer.methods.teacher import Teacher
from studies.trajectory.analysis import PictureJudge, TrajectoryRow, analyse, write
from studies.trajectory.speakers import sample
from synthetic.splits import Split

if TYPE_CHECKING:
    from lipforcing.audio.tiny import TinySpeechEncoder


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; see `exit_code`."""
    options = _options(arguments)
    return exit_code(lambda: _analyse(options))


def _analyse(options: argparse.Namespace) -> None:
    """Analyse, and leave the results in a folder."""
    rows = _rows(options)
    try:
        recommended = write(rows, options.out)
    except ValueError as error:
        raise DublineError(f"{error}. The rows are in {options.out}.") from error
    sys.stdout.write(json.dumps(asdict(recommended), indent=2) + "\n")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    text = "Derive sync window and second timestep of a small teacher."
    parser = argparse.ArgumentParser(prog="dubline analyse-trajectory", description=text)
    parser.add_argument("--model", type=Path, required=True, help="folder of the teacher's network")
    parser.add_argument("--syncnet", type=Path, required=True, help="weights of the small SyncNet")
    parser.add_argument("--repository", type=Path, default=ROOT / "model_repo", help="where face and speech encoder are")
    parser.add_argument("--encoders", type=int, default=1, help="their version")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=10)
    parser.add_argument("--frames", type=int, default=33, help="of each clip, 9 + 12k")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--steps", type=int, default=50)
    return parser.parse_args(arguments)


def _rows(options: argparse.Namespace) -> list[TrajectoryRow]:
    if options.clips < 1 or options.steps < 2 or (options.frames - FIRST_BLOCK_FRAMES) % BLOCK_FRAMES or options.frames < 21:
        raise InvalidSetting(
            f"{options.clips} clips of {options.frames} frames in {options.steps} steps cannot be analysed.",
            where={"argument": "--clips, --frames, --steps"},
            suggestions=("give at least one clip, 21, 33, 45 ... frames, and two steps or more",),
        )
    encoders = load_encoders(options.repository, "tiny", options.encoders, torch.device("cpu"))
    stored = read_network(options.model)
    if not encoders.taught(stored.source):
        raise UnfitStart(
            f"The network in {options.model} was trained on latents and features of other encoders.",
            where={"argument": "--model"},
            suggestions=("name with --encoders the version that it was trained with",),
        )
    config = replace(TeacherConfig(stored.config), steps=options.steps, guidance=options.guidance)
    teacher = Teacher(config, stored.network().eval().requires_grad_(requires_grad=False), NullConditions(stored.empty_LE))
    judge = PictureJudge(encoders.codec, ClipScorer.of_clips(load_syncnet(options.syncnet, TINY), options.frames))
    listens = cast("TinySpeechEncoder", encoders.speech)
    rows: list[TrajectoryRow] = []
    began = time.monotonic()
    for number in range(options.clips):
        spoken = sample(Split.DEV, options.seed * 1_000 + number, options.frames, encoders.codec, listens)
        one = replace(spoken, text_LE=stored.text_LE)
        rows += analyse(teacher, collate([one], [number], sound=True), judge, seed=options.seed)
        left = (time.monotonic() - began) / (number + 1) * (options.clips - number - 1)
        say(f"{number + 1} of {options.clips} clips, about {left:.0f} s left")
    return rows


if __name__ == "__main__":
    sys.exit(main())
