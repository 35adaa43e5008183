"""A run for TensorBoard: loss, learning rate, gradient norm, figures of the gate and contact sheets, as event files.

They lie in a folder for each run that outlives its attempts, and are for looking only: what a run goes on from are its own
records. The tensorboard package writes them without torch and TensorFlow, so that a worker which publishes stays small.
"""

import time
from collections.abc import Mapping
from pathlib import Path

import structlog
from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

log = structlog.get_logger(__name__)
EVENT_FILES = "tensorboard"  # folder of all runs, beside their other folders
_VERSION = "brain.Event:2"  # from this version on readers heed the mark of an attempt
_GROUPS = {"gradient": "gradient_norm", "rate": "learning_rate"}  # what a network's figure is called, by its last word


class EventFiles:
    """One event file of a run.

    Args:
        folder: of the run; None writes nothing, as all processes of a run do but the first.
        step: that an attempt goes on from. What an earlier one wrote of later steps before it was killed is dropped by
            whoever reads the files. None for what is only added.
    """

    def __init__(self, folder: Path | None, step: int | None = None) -> None:
        # TensorBoard reads a run's files in the order of their names, and knows them by the word in the middle.
        self._path = None if folder is None else folder / f"events.out.tfevents.{time.time_ns()}"
        self._write(Event(file_version=_VERSION))
        if step is not None:
            self._write(Event(step=step + 1, session_log=SessionLog(status=SessionLog.START)))

    def figures(self, step: int, figures: Mapping[str, float | None]) -> None:
        """Numbers of a step, by name; a network's ``NETWORK/rate`` stands with those of the other networks."""
        values = [Summary.Value(tag=_tag(name), simple_value=value) for name, value in figures.items() if value is not None]
        self._write(Event(step=step, summary=Summary(value=values)))

    def sheet(self, step: int, png: Path) -> None:
        """The contact sheet of a step."""
        if self._path is None:
            return
        with Image.open(png) as picture:
            width, height = picture.size
        image = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=png.read_bytes())
        self._write(Event(step=step, summary=Summary(value=[Summary.Value(tag="contact_sheet", image=image)])))

    def _write(self, event: Event) -> None:
        """Append an event and close the file, since nobody knows when the process is killed.

        A full disk costs the rest of the curves, never the run.
        """
        if self._path is None:
            return
        event.wall_time = time.time()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                RecordWriter(file).write(event.SerializeToString())
        except OSError as error:
            log.warning("event_files_stopped", reason=str(error))
            self._path = None


def _tag(name: str) -> str:
    network, _, figure = name.rpartition("/")
    return f"{_GROUPS[figure]}/{network}" if network and figure in _GROUPS else name
