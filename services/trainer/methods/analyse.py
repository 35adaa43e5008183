"""``python -m services.trainer.methods.analyse``: the trajectory analysis of a small teacher on generated speakers."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch

from lipforcing.contract import STUDENTS
from lipforcing.presets import TeacherConfig
from lipforcing.serving.loading import load_face_encoder, load_speech_encoder
from lipforcing.syncnet import TINY, SyncScorer, load_syncnet
from services.trainer.methods.folders import load_network
from services.trainer.methods.guidance import Null
from services.trainer.methods.samples import collate
from services.trainer.methods.speakers import sample
from services.trainer.methods.teacher import Teacher
from services.trainer.methods.trajectory import PictureJudge, Row, analyse, write
from services.trainer.publish import version_folder
from services.trainer.speakers.splits import Split

if TYPE_CHECKING:
    from lipforcing.audio.tiny import TinySpeechEncoder


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, analyse, and leave the results in a folder."""
    parser = argparse.ArgumentParser(prog="analyse", description="Derive sync window and second timestep of a small teacher.")
    parser.add_argument("--teacher", type=Path, required=True, help="folder that the teacher's run left")
    parser.add_argument("--syncnet", type=Path, required=True, help="weights of the small SyncNet")
    parser.add_argument("--repository", type=Path, default=Path("model_repo"), help="where face and speech encoder are")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=10)
    parser.add_argument("--frames", type=int, default=33, help="of each clip, 9 + 12k")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--steps", type=int, default=50)
    options = parser.parse_args(arguments)
    try:
        found = write(_rows(options), options.out)
    except ValueError as error:
        raise SystemExit(f"{error}; the rows are in {options.out}") from error
    print(json.dumps(asdict(found), indent=2))  # noqa: T201 - a command's result


def _rows(options: argparse.Namespace) -> list[Row]:
    cpu, tiny = torch.device("cpu"), STUDENTS["tiny"]
    codec = load_face_encoder(version_folder(options.repository, tiny.face_encoder), tiny.face_encoder, cpu)
    listens = load_speech_encoder(version_folder(options.repository, tiny.speech_encoder), tiny.speech_encoder, cpu)
    encoder = cast("TinySpeechEncoder", listens)
    kept = load_network(options.teacher)
    config = replace(TeacherConfig(kept.network.config), steps=options.steps, guidance=options.guidance)
    teacher = Teacher(config, kept.network.eval().requires_grad_(requires_grad=False), Null(kept.empty_LE))
    judge = PictureJudge(codec, SyncScorer.of_clips(load_syncnet(options.syncnet, TINY), options.frames))
    rows: list[Row] = []
    for number in range(options.clips):
        one = replace(sample(Split.DEV, options.seed * 1_000 + number, options.frames, codec, encoder), text_LE=kept.text_LE)
        rows += analyse(teacher, collate([one], [number], sound=True), judge, seed=options.seed)
    return rows


if __name__ == "__main__":
    main()
