"""How each network makes clips, what that costs, and the controls of a student.

Legend: B clips, V video frames, Z latent channels, T latent frames, h/w latent side.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lipforcing.conditions import Conditions
from lipforcing.rollout import Student, generate
from services.trainer.methods.samples import Clips
from services.trainer.methods.teacher import Teacher
from services.trainer.metrics.mouth_series import best_lag, correlation
from studies.ablation.held_out import DELAY, StudyClips
from studies.ablation.judge import StudyJudge
from studies.ablation.result_cache import TrainedNetwork

Sampler = Callable[[Clips], Tensor]
_NOISE = 1


def in_two_steps(trained: TrainedNetwork) -> Sampler:
    """Causal, block by block, by the serving loop; latents [B, 16, T, h, w]."""

    def sample(clips: Clips) -> Tensor:
        return generate(Student.frozen(trained.network, clips.text_BLE), clips.conditions, _NOISE)

    return sample


def in_full(teacher: Teacher, scale: float | None = None) -> Sampler:
    """Both ways, along the teacher's whole grid; latents [B, 16, T, h, w]."""

    def sample(clips: Clips) -> Tensor:
        noise = torch.randn(clips.x0_BZThw.shape, generator=torch.Generator().manual_seed(_NOISE))
        return teacher.sample(clips, noise, scale)

    return sample


def frames_per_second(sampler: Sampler, clips: Clips) -> float:
    """Of one stream, by the CPU time of this process's one thread: others that use the cores do not count.

    Encoding and decoding are left out.
    """
    one, spent = pick(clips, 0), []
    for _ in range(3):
        began = time.process_time()
        sampler(one)
        spent.append(time.process_time() - began)
    return (4 * clips.frames - 3) / min(spent)


def first(clips: Clips, count: int) -> Clips:
    """The first ``count`` clips, with their names and conditions."""
    return _some(clips, slice(count))


def pick(clips: Clips, index: int) -> Clips:
    """Clip number ``index`` alone, as a batch of one."""
    return _some(clips, slice(index, index + 1))


def _some(clips: Clips, rows: slice) -> Clips:
    conditions = clips.conditions
    names = ("identity_BZhw", "masked_BZThw", "reference_BZThw", "speech_BTGA")
    some = Conditions(mask_hw=conditions.mask_hw, **{name: getattr(conditions, name)[rows] for name in names})
    sound = None if clips.waveform_BS is None else clips.waveform_BS[rows]
    return Clips(clips.names[rows], clips.places[rows], clips.x0_BZThw[rows], some, clips.text_BLE[rows], sound)


def controls(sampler: Sampler, held: StudyClips, judge: StudyJudge) -> dict[str, Any]:
    """What a student does when the sound is another clip's, silent, or late.

    Returns:
        Means over clips: under ``swapped`` the correlation of the opening with the mouth of the sound that was heard and with
        the clip's own, and how often SyncNet finds offset 0 to the sound that was heard; under ``silence`` mean and deviation
        of the opening beside those of the true clips; under ``delayed`` how often SyncNet finds exactly the delay, and how
        often the read opening does within one frame.
    """
    others, silent, late = (
        judge.pictures(sampler(clips))
        for clips in (held.of_others(), held.with_speech(held.silent_BVA), held.with_speech(held.delayed_BVA))
    )
    truth_BV = held.truth_BV2[:, 1:, 0].double().numpy()
    asked_BV, count = np.roll(truth_BV, -1, axis=0), len(truth_BV)
    swapped, closed, delayed = ([judge.read(crops)[:, 0] for crops in some] for some in (others, silent, late))
    sounds_BS = held.clips.needed_waveforms()
    in_time = [judge.offset(others[i], sounds_BS[(i + 1) % count]) == 0 for i in range(count)]
    offsets = [judge.offset(late[i], sounds_BS[i]) for i in range(count)]
    lags = [best_lag(seen, truth) for seen, truth in zip(delayed, truth_BV, strict=True)] if truth_BV.shape[1] > 12 else []
    return {
        "swapped": {"heard": _mean(correlation(a, b) for a, b in zip(swapped, asked_BV, strict=True)),
                    "own": _mean(correlation(a, b) for a, b in zip(swapped, truth_BV, strict=True)),
                    "own_truth": _mean(correlation(a, b) for a, b in zip(asked_BV, truth_BV, strict=True)),
                    "offset_0": _mean(in_time)},
        "silence": {"opening": _mean(map(np.nanmean, closed)), "deviation": _mean(map(np.nanstd, closed)),
                    "true_opening": float(truth_BV.mean()), "true_deviation": float(truth_BV.std(axis=1).mean())},
        "delayed": {"offsets": offsets, "exact": _mean(offset == DELAY for offset in offsets),
                    "lags": lags, "near": _mean(abs(lag - DELAY) <= 1 for lag in lags)},
    }  # fmt: skip


def _mean(values: Iterable[float]) -> float:
    return float(np.mean([float(value) for value in values] or [float("nan")]))
