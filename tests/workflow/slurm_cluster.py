"""A real Slurm on this machine: one node, every socket on the loopback, all files in one folder."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
SBIN = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])

CONFIGURATION = """
ClusterName=test
SlurmctldHost=localhost
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/run/munge.sock
CredType=cred/munge
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SwitchType=switch/none
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
GresTypes=gpu
ReturnToService=2
MinJobAge=3600
InactiveLimit=0
KillWait=2
Waittime=0
DefMemPerCPU=100
NodeName=localhost NodeAddr=127.0.0.1 CPUs=32 CoresPerSocket=32 RealMemory=64000 Gres=gpu:1 State=UNKNOWN
PartitionName=cpu Nodes=localhost Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=localhost MaxTime=INFINITE State=UP
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
"""


def reason_to_skip() -> str | None:
    """Why a Slurm cannot be started here, or None."""
    if os.geteuid() != 0:
        return "starting Slurm needs root"
    for name in (*DAEMONS, "sbatch", "srun"):
        if shutil.which(name, path=SBIN) is None:
            return f"{name} is not installed (Debian: apt-get install slurm-wlm munge)"
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


@dataclass(frozen=True)
class Job:
    """A job as squeue knows it."""

    number: str
    state: str
    comment: str  # Snakemake's rule and wildcards
    partition: str
    gres: str
    memory: str
    minutes: str
    restarts: str


class Cluster:
    """Use as a context: starts munged, slurmctld and slurmd, and stops what it started."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.environment = {"SLURM_CONF": str(folder / "slurm.conf"), "PATH": f"{folder / 'bin'}:{SBIN}"}

    def __enter__(self) -> Cluster:
        self._write_files()
        try:
            self._start_daemons()
            self._wait_until_idle(30)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if (self.folder / "run" / "slurmd.pid").is_file():
            self._end_jobs()
        for name in reversed(DAEMONS):
            pid_file = self.folder / "run" / f"{name}.pid"
            if pid_file.is_file():
                os.kill(int(pid_file.read_text()), signal.SIGTERM)
                _wait_until(lambda gone=pid_file: not gone.exists(), 10)

    def _end_jobs(self) -> None:
        """Without its daemons Slurm leaves jobs running."""
        active = ("squeue", "--noheader", "--states=pending,running,completing", "--format=%i")
        self.run("scancel", *self.run(*active).stdout.split())
        _wait_until(lambda: not self.run(*active).stdout.strip(), 30)

    def _write_files(self) -> None:
        for name in ("run", "log", "state", "spool", "seed", "bin"):
            (self.folder / name).mkdir(parents=True)
            (self.folder / name).chmod(0o755)
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        ports = {"controller_port": _free_port(), "node_port": _free_port()}
        text = CONFIGURATION.format(folder=self.folder, **ports)
        (self.folder / "slurm.conf").write_text(text, encoding="ascii")
        (self.folder / "gres.conf").write_text("NodeName=localhost Name=gpu File=/dev/null\n", encoding="ascii")
        # The executor's job step clears SLURM_* before its inner srun, which then finds no slurm.conf.
        srun = self.folder / "bin" / "srun"
        real = shutil.which("srun", path=SBIN)
        srun.write_text(f'#!/bin/sh\nSLURM_CONF="{self.folder}/slurm.conf" exec "{real}" "$@"\n', encoding="ascii")
        srun.chmod(0o755)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of Slurm against this cluster."""
        return subprocess.run(
            command,
            env={**os.environ, **self.environment},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
        )

    def jobs(self) -> list[Job]:
        """All jobs, those that ended among them, in the order of their numbers."""
        names = ("JobID", "State", "Comment", "Partition", "tres-per-node", "MinMemory", "TimeLimit", "RestartCnt")
        fields = ",".join(f"{name}:|" for name in names)
        rows = self.run("squeue", "--noheader", "--states=all", "--sort=i", "-O", fields).stdout.splitlines()
        return [Job(*(cell.strip() for cell in row.split("|")[:-1])) for row in rows if row.strip()]

    def _start_daemons(self) -> None:
        folder = self.folder
        munge = ["munged", f"--key-file={folder}/munge.key", f"--socket={folder}/run/munge.sock"]
        munge += [f"--pid-file={folder}/run/munged.pid", f"--log-file={folder}/log/munged.log"]
        munge += [f"--seed-file={folder}/seed/munged.seed"]
        for command in (munge, ["slurmctld", "-c"], ["slurmd", "-N", "localhost"]):
            command[0] = shutil.which(command[0], path=SBIN)
            result = self.run(*command)
            if result.returncode != 0:
                raise RuntimeError(f"{' '.join(command)}: {result.stdout}")

    def _wait_until_idle(self, seconds: float) -> None:
        if _wait_until(lambda: "idle" in self.run("sinfo", "-h", "-o", "%t").stdout, seconds):
            return
        logs = {path.name: path.read_text()[-2000:] for path in (self.folder / "log").iterdir()}
        raise RuntimeError(f"Slurm is not up after {seconds} s: {logs}")
