"""``python -m studies.ablation``: train everything for each seed, measure, and write the table."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from dubbing.faces.detector import MediaPipeDetector
from dubbing.settings import MediaSettings
from services.trainer.methods.encoders import load_encoders
from studies.ablation.curves import trajectory
from studies.ablation.footage import prepare
from studies.ablation.held_out import held_out
from studies.ablation.judge import StudyJudge
from studies.ablation.result_cache import ResultCache
from studies.ablation.sizes import PROFILES
from studies.ablation.stages import Stages
from studies.ablation.study import Study
from synthetic.splits import Split

_ROOT = Path(__file__).parents[2]
_JUDGE = 1_000  # seed of the SyncNet that judges; the students are rewarded by others


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, do what is not done yet, and print the table of each split."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(1)
    sizes, cache = PROFILES[options.profile], ResultCache(options.out / "kept")
    encoders = load_encoders(options.repository, "tiny", 1, torch.device("cpu"))
    footage = prepare(options.takes or options.out / "takes", sizes, encoders, cache)
    stages = Stages(sizes, encoders, footage, cache)
    (scorer, scorer_key), (reader, reader_key) = stages.syncnet(_JUDGE, sizes.judge), stages.reader(_JUDGE)
    model = MediaSettings().face_model
    seeds = range(1, options.seeds + 1)
    teachers = {seed: 1 if options.one_teacher else seed for seed in seeds}
    with MediaPipeDetector(model if model.exists() else _ROOT / model) as detector:
        for split in options.split:
            held = held_out(Split(split), sizes, encoders, cache)
            judge = StudyJudge(encoders.codec, scorer, reader, detector)
            study = Study(stages, judge, f"{scorer_key} {reader_key}", held, teachers)
            study.run(options.out, split)
            if split == "dev" and options.trajectory:
                place = options.out / "trajectory"
                trajectory(stages, stages.teacher(1), study.judge, held, count=options.trajectory, out=place)
            sys.stdout.write(f"{split}\n\n{(options.out / f'{split}.md').read_text()}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ablation", description="What each step of the distillation is worth.")
    parser.add_argument("--out", type=Path, required=True, help="folder of results; a second call goes on where it was")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--one-teacher", action="store_true", help="the seeds share the first one's teacher, and the SyncNet that rewards"
    )
    parser.add_argument("--profile", choices=sorted(PROFILES), default="full")
    parser.add_argument("--repository", type=Path, default=_ROOT / "model_repo", help="where face and speech encoder are")
    parser.add_argument("--takes", type=Path, help="folder of rendered takes (seed 1); else they are rendered under --out")
    parser.add_argument("--split", nargs="+", choices=["dev", "test"], default=["dev", "test"], help="look at dev while tuning")
    parser.add_argument(
        "--trajectory", type=int, default=0, help="dev clips on which the first teacher's trajectory is analysed"
    )
    return parser


if __name__ == "__main__":
    main()
