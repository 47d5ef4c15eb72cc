"""The history as TensorBoard event files, beside history.csv. Needs the optional package tensorboardX."""

from __future__ import annotations

import time
from pathlib import Path

from halochem.errors import UserError

FOLDER = "tensorboard"


class Events:
    """Writes numbers of epochs to a folder. A resumed training hides what an interrupted one wrote from `first` on."""

    def __init__(self, folder: Path, first: int):
        # Not its SummaryWriter, which writes from a thread and loses what is in the queue when a job is killed.
        try:
            from tensorboardX.event_file_writer import EventsWriter
            from tensorboardX.proto.event_pb2 import Event, SessionLog
        except ImportError:
            raise UserError(
                "train.tensorboard: true needs tensorboardX: pip install tensorboardX, or set it to false"
            ) from None
        folder.mkdir(parents=True, exist_ok=True)
        self.event = Event
        # Two files of the same second would have one name.
        self.writer = EventsWriter(str(folder / "events"), f".{len(list(folder.iterdir()))}")
        start = SessionLog(status=SessionLog.START)
        self.writer.write_event(Event(wall_time=time.time(), step=first, session_log=start))
        self.writer.flush()

    def write(self, epoch: int, values: dict[str, float]) -> None:
        """The numbers of an epoch, on disk when this returns; `loss_train` becomes `loss/train`."""
        event = self.event(wall_time=time.time(), step=epoch)
        for name, value in values.items():
            loss, _, stars = name.rpartition("_")
            event.summary.value.add(tag=f"{loss}/{stars}" if stars in ("train", "val") else name, simple_value=value)
        self.writer.write_event(event)
        self.writer.flush()
