"""history.csv: one line an epoch, written as training goes, and the same as TensorBoard event files if asked for."""

from __future__ import annotations

from pathlib import Path

from halochem.config import Train
from halochem.train.events import FOLDER, Events
from halochem.whole_file import atomic

# losses as in losses.py and adversary.py, means over the stars; *_val are empty in epochs without evaluation
LOSSES = ("reconstruction", "kl", "linear", "classification", "total")
GUIDED = ("guide", "dependence")  # of preset fast, see stages.py; empty for the other
COLUMNS = (
    "epoch",  # counted from 0
    *(f"{name}_train" for name in LOSSES),
    *(f"{name}_val" for name in LOSSES),
    "learning_rate",  # at the epoch's last step
    "lambda",  # weight of the adversary
    "seconds",  # of the epoch, evaluation included
    *(f"{name}_train" for name in GUIDED),
    *(f"{name}_val" for name in GUIDED),
)


def row(
    epoch: int,
    train: dict[str, float],
    validation: dict[str, float] | None,
    learning_rate: float,
    weight: float,
    seconds: float,
) -> str:
    """One line of the file; the losses keep all their digits, so that two runs can be compared exactly.

    A loss that is not there is left empty.
    """

    def cells(names: tuple[str, ...]) -> list[str]:
        return [repr(v[n]) if v and n in v else "" for v in (train, validation) for n in names]

    middle = [repr(learning_rate), repr(weight), f"{seconds:.3f}"]
    return ",".join([str(epoch), *cells(LOSSES), *middle, *cells(GUIDED)])


def numbers(line: str) -> dict[str, float]:
    """The cells of a line that are filled, by column."""
    return {name: float(cell) for name, cell in zip(COLUMNS, line.split(","), strict=True) if cell}


class History:
    """The file and its rows. A resumed training starts from the rows of its checkpoint."""

    @classmethod
    def begin(cls, out: Path, rows: list[str], train: Train) -> History:
        """history.csv in a model's folder, and event files where `train` asks for them."""
        return cls(out / "history.csv", rows, Events(out / FOLDER, len(rows)) if train.tensorboard else None)

    def __init__(self, path: Path, rows: list[str] | None = None, events: Events | None = None):
        self.path, self.events = path, events
        self.rows = list(rows or [])
        with atomic(path) as temporary:
            temporary.write_text("\n".join([",".join(COLUMNS), *self.rows]) + "\n", encoding="utf-8")
        # Its own file: a training that a killed run left behind writes on in the one that stood here before.
        self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115

    def append(self, line: str) -> None:
        """Add a line to the file at once."""
        self.rows.append(line)
        self._file.write(line + "\n")
        self._file.flush()
        if self.events:
            values = numbers(line)
            self.events.write(int(values.pop("epoch")), values)

    def last_values(self) -> dict[str, dict[str, float]]:
        """The last value of each loss that the file holds, for `train` and `validation`."""
        found: dict[str, dict[str, float]] = {"train": {}, "validation": {}}
        for line in self.rows:
            for name, value in numbers(line).items():
                loss, _, stars = name.rpartition("_")
                if loss in (*LOSSES, *GUIDED):
                    found["train" if stars == "train" else "validation"][loss] = value
        return found
