"""Sources examined by several processes, in order; a source that takes its process down costs only itself."""

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import structlog
import torch

from dubbing.faces.detector import MediaPipeDetector
from services.trainer.common.threads import one_thread_each
from services.trainer.metrics.scorers import MouthCorrelationScorer, sync_scorer

from .source import Examiner, SourceFound, SourceTask

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tools:
    """What every worker opens for itself; without a SyncNet's weights the mouth is correlated with the sound.

    The scorer's name is part of what a data set was made with.
    """

    landmarker: Path
    repository: Path
    syncnet: Path | None = None
    scorer: str = MouthCorrelationScorer.name


def examine_all(tasks: Sequence[SourceTask], tools: Tools, workers: int) -> Iterator[SourceFound]:
    """What each source gives, in the order of ``tasks``; one worker means this process."""
    if workers == 1:
        yield from (_examine(tools, task) for task in tasks)
        return
    left = list(tasks)
    while left:
        try:
            for found in _in_pool(left, tools, workers):
                left.pop(0)
                yield found
        except BrokenProcessPool:
            yield _isolated(left.pop(0), tools)


def _in_pool(tasks: Sequence[SourceTask], tools: Tools, workers: int) -> Iterator[SourceFound]:
    with one_thread_each(), ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        waiting = [pool.submit(_examine, tools, task) for task in tasks]
        try:
            for future in waiting:
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _isolated(task: SourceTask, tools: Tools) -> SourceFound:
    """A source that may have killed its process, once more in a process of its own."""
    log.warning("worker_died", source=task.path.name)
    try:
        return next(_in_pool([task], tools, 1))
    except BrokenProcessPool:
        return SourceFound(error={"code": "crashed", "detail": f"Reading {task.path.name} ends the process that reads it."})


def _examine(tools: Tools, task: SourceTask) -> SourceFound:
    return _examiner(tools).examine(task)


@cache
def _examiner(tools: Tools) -> Examiner:
    """One per process and set of tools: opening them takes seconds."""
    torch.set_num_threads(1)
    detector = MediaPipeDetector(tools.landmarker)
    return Examiner(detector, sync_scorer(tools.syncnet, detector, tools.repository))
