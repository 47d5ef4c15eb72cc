"""Workers as real processes: answers, deaths, time limits, whole process groups, folders. A small script stands for
iSpec's, for what is tested is the driving of processes; the real one is in test_ispec.py."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from halochem.errors import UserError
from halochem.synthesize import ispec_pool, ispec_worker
from halochem.synthesize.ispec_pool import Closed, Pool, WorkerDied
from halochem.synthesize.turbospectrum import SynthesisFailed

# What to do with a star is its teff: die, hang with a child as iSpec has its bsyn, fail, or answer.
SCRIPT = """
import json, os, signal, subprocess, sys, time
import numpy as np
settings = json.loads(sys.stdin.readline())
if settings.get("fault"):
    print(json.dumps({"fault": settings["fault"]}), flush=True)
    sys.exit()
print(json.dumps({"ready": [1.0, 2.0]}), flush=True)
for row in sys.stdin:
    request = json.loads(row)
    what = request["star"]["do"]
    if what == "die":
        print("ValueError: what killed it", file=sys.stderr, flush=True)
        os._exit(3)
    if what == "hang":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        open(settings["pids"], "a").write(f"{os.getpid()} {child.pid}\\n")
        time.sleep(60)
    if what == "fail":
        print(json.dumps({"failed": "no such star"}), flush=True)
        continue
    for piece in range(request["star"].get("pieces", 0)):
        time.sleep(0.4)
        print(json.dumps({"piece": piece}), flush=True)
    time.sleep(request["star"].get("seconds", 0))
    np.save(request["out"], np.full(3, float(os.getpid())))
    print(json.dumps({"note": "a note"}), flush=True)
"""


@pytest.fixture
def pids(tmp_path) -> Path:
    return tmp_path / "pids"


@pytest.fixture
def pool(tmp_path, pids):
    made = Pool([sys.executable, "-c", SCRIPT], {"pids": str(pids)})
    yield made
    made.close()


def gone(pid: int, seconds: float = 5.0) -> bool:
    """Whether a process ends within so many seconds; one that nobody has waited for counts as ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_worker_is_kept_from_star_to_star(pool):
    (first, note), (second, _) = pool.run({"do": "answer"}, 10), pool.run({"do": "answer"}, 10)
    assert note == "a note"
    assert first.shape == (3,)
    assert first[0] == second[0]  # the process


def test_failed_star_leaves_the_worker_as_it_is(pool):
    before = pool.run({"do": "answer"}, 10)[0][0]
    with pytest.raises(SynthesisFailed, match=r"^no such star$"):
        pool.run({"do": "fail"}, 10)
    assert pool.run({"do": "answer"}, 10)[0][0] == before


def test_death_of_a_worker_is_told_with_its_last_words_and_another_is_started(pool):
    before = pool.run({"do": "answer"}, 10)[0][0]
    with pytest.raises(WorkerDied, match="exit status 3: ValueError: what killed it"):
        pool.run({"do": "die"}, 10)
    assert pool.run({"do": "answer"}, 10)[0][0] != before


def test_star_past_its_time_is_ended_with_all_that_it_started(pool, pids):
    folder = pool._shared
    before = set(folder.iterdir())
    with pytest.raises(SynthesisFailed, match=r"^iSpec: ended after 0.8 s$"):
        pool.run({"do": "hang"}, 0.8)
    worker, child = map(int, pids.read_text().split())
    assert gone(worker)
    assert gone(child)
    assert not any(path.exists() for path in before if path.name.startswith("worker-"))
    assert pool.run({"do": "answer"}, 10)[1] == "a note"


def test_time_limit_is_that_of_a_piece(pool):
    start = time.monotonic()
    assert pool.run({"do": "answer", "pieces": 4}, 1.2)[1] == "a note"
    assert time.monotonic() - start > 1.5


def test_callers_at_a_time_have_a_worker_each(pool):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(pool.run({"do": "answer", "seconds": 0.5}, 20)[0][0]))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 3


def test_closing_ends_a_star_at_work_without_calling_it_failed(pool, pids):
    faults = []

    def work():
        try:
            pool.run({"do": "hang"}, 60)
        except Exception as error:
            faults.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while not pids.is_file() or not pids.read_text().endswith("\n"):
        time.sleep(0.05)
    folder = pool._shared
    pool.close()
    thread.join(10)
    assert [type(fault) for fault in faults] == [Closed]
    assert not folder.exists()
    assert all(gone(int(pid)) for pid in pids.read_text().split())


def test_fault_of_the_users_ispec_is_one_line_and_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(ispec_pool, "scratch_parent", lambda: tmp_path)
    with pytest.raises(UserError, match="has pandas 3") as caught:
        Pool([sys.executable, "-c", SCRIPT], {"fault": "has pandas 3"})
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


# --- the real worker's script ---------------------------------------------------------------------------------


def test_interpreter_without_ispecs_packages_is_refused_by_name(tmp_path):
    """A Python without site packages: all are missing."""
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    with pytest.raises(UserError, match=r"lacks numpy, scipy, pandas.* which iSpec imports") as caught:
        ispec_pool.check_interpreter(bare)
    assert "synthesis.ispec_python" in str(caught.value)


@pytest.mark.parametrize(("version", "refused"), [("2.2.3", False), ("3.0.1", True), ("10.0", True)])
def test_pandas_from_3_on_is_refused(monkeypatch, version, refused):
    monkeypatch.setattr(ispec_worker.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(ispec_worker.importlib.metadata, "version", lambda name: version)
    assert (f"has pandas {version}" in ispec_worker.fault_of_interpreter()) == refused


def test_something_else_than_a_python_is_refused(tmp_path):
    with pytest.raises(UserError, match="cannot be run as a Python"):
        ispec_pool.check_interpreter(Path("/bin/true"))


def test_words_of_bsyn_are_found_in_what_ispec_prints():
    tail = ispec_worker.Tail()
    tail.write("x" * 9000)
    tail.write("b' reading\\n STOP IN EQMOL: no convergence\\n last row'")
    assert tail.last_words() == "STOP IN EQMOL: no convergence"


def test_worker_whose_parent_is_killed_removes_its_folder_and_ends(tmp_path):
    """The real script. Its settings name an iSpec that never gets imported: it waits in a module of that name."""
    (tmp_path / "fake" / "ispec").mkdir(parents=True)
    (tmp_path / "fake" / "ispec" / "__init__.py").write_text(
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(tmp_path / 'pids')!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}\\n')\n"
        "time.sleep(60)\n"
    )
    shared = tmp_path / "shared"
    (shared / "worker-0").mkdir(parents=True)
    settings = {"ispec": str(tmp_path / "fake"), "shared": str(shared), "private": str(shared / "worker-0")}
    first_row = json.dumps(settings).encode() + b"\n"
    parent = (
        "import subprocess, sys, time\n"
        "code = 'from halochem.synthesize import ispec_worker as w; w.fault_of_interpreter = str; w.main()'\n"
        "worker = subprocess.Popen([sys.executable, '-c', code], stdin=subprocess.PIPE, start_new_session=True)\n"
        f"worker.stdin.write({first_row!r})\n"
        "worker.stdin.flush()\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", parent])
    try:
        deadline = time.monotonic() + 20
        while not (tmp_path / "pids").is_file() or not (tmp_path / "pids").read_text().endswith("\n"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert all(gone(int(pid), 10) for pid in (tmp_path / "pids").read_text().split())
    assert not shared.exists()


def test_flux_file_is_read_without_pickle(pool, tmp_path):
    """An array of objects would run code when it is read."""
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        np.load(tmp_path / "objects.npy", allow_pickle=False)
