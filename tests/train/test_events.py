import builtins
import csv

import pytest

from halochem.errors import UserError
from halochem.train import events, loop


def read(folder):
    """tag -> [(step, value)] of all event files, those that a later one hides left out, as TensorBoard does."""
    from tensorboardX.proto.event_pb2 import Event, SessionLog

    found = {}
    for path in sorted(folder.iterdir(), key=lambda p: int(p.suffix[1:])):
        data, at = path.read_bytes(), 0
        while at < len(data):
            length = int.from_bytes(data[at : at + 8], "little")
            event = Event.FromString(data[at + 12 : at + 12 + length])
            at += 12 + length + 4
            if event.session_log.status == SessionLog.START:
                found = {tag: [pair for pair in pairs if pair[0] < event.step] for tag, pairs in found.items()}
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


@pytest.fixture
def history():
    pytest.importorskip("tensorboardX")

    def read_history(folder):
        with open(folder / "history.csv", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    return read_history


def test_event_files_hold_the_history(toy, tmp_path, history):
    """Through an interruption whose last epoch was not saved."""
    config = toy.config(tensorboard=True)
    loop.fit(toy.catalog(), config, tmp_path, stop_after=2)
    events.Events(tmp_path / events.FOLDER, 2).write(2, {"kl_train": 99.0})
    loop.fit(toy.catalog(), config, tmp_path)
    found, rows = read(tmp_path / events.FOLDER), history(tmp_path)
    assert [step for step, _ in found["kl/train"]] == list(range(6))
    for tag, column in {"kl/train": "kl_train", "lambda": "lambda", "learning_rate": "learning_rate"}.items():
        assert [value for _, value in found[tag]] == pytest.approx([float(row[column]) for row in rows], rel=1e-6)
    assert [step for step, _ in found["total/val"]] == [2, 5]


def test_without_the_package_one_line_says_so(toy, tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **options):
        if name.startswith("tensorboardX"):
            raise ImportError(name)
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"train\.tensorboard: true needs tensorboardX: pip install tensorboardX"):
        loop.fit(toy.catalog(), toy.config(tensorboard=True), tmp_path)
    assert not (tmp_path / "history.csv").exists()
