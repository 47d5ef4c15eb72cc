"""The table of faults in docs/reliability.md: each test of a fault, so many times, at another moment each time.

Run it from the repository's root. A try's outcome is kept in results/faults/, and a try that is there is not repeated:
ended and started again, it goes on. `--page` makes the table of the tries that are there.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reliability.md"
KEPT = ROOT / "results" / "faults"
BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"
# Those that Slurm is needed for are skipped where it is not.
TESTS = "tests/workflow"


def run(number: int, names: list[str]) -> None:
    """Try number `number` of the files of tests that have no outcome yet."""
    for name in names:
        kept = KEPT / f"{name}-{number}.xml"
        if kept.is_file():
            continue
        print(f"try {number + 1}: {name}", flush=True)
        fresh = kept.with_suffix(".part")
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-m",
            "slow",
            f"{TESTS}/{name}.py",
            f"--junitxml={fresh}",
            "-o",
            "junit_family=xunit1",
        ]
        environment = os.environ | {"HALOCHEM_FAULT_TRY": str(number)}
        # The executor's plugin is known to hang.
        subprocess.run(["timeout", "-k", "30", "3600", *command], cwd=ROOT, env=environment, check=False)
        if fresh.is_file():
            fresh.replace(kept)


def outcomes() -> tuple[dict[tuple[str, str], list[str]], list[str]]:
    """(fault, how injected) -> what each try lost; and the tests that were skipped or failed before they could say."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    others = []
    for path in sorted(KEPT.glob("*.xml")):
        for case in ElementTree.parse(path).iter("testcase"):
            said = {each.get("name"): each.get("value", "") for each in case.iter("property")}
            bad = case.find("failure") is not None or case.find("error") is not None
            if case.find("skipped") is not None:
                others.append(f"{case.get('name')}: skipped ({case.find('skipped').get('message')})")
            elif "fault" in said:
                lost = said.get("lost", "the run did not come to its table")
                found[said["fault"], said["injected"]].append("the test failed" if bad and lost == "nothing" else lost)
            elif bad:
                others.append(f"{case.get('name')}: failed")
    return found, others


def slurm() -> str:
    """Slurm's version."""
    program = shutil.which("slurmctld", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    return subprocess.run([program, "-V"], capture_output=True, text=True).stdout.strip() if program else "no Slurm"


def table() -> str:
    """The rows, in Markdown."""
    found, others = outcomes()
    rows = ["| fault | how injected | tries | lost |", "| --- | --- | --- | --- |"]
    for (fault, injected), lost in found.items():
        bad = [words for words in lost if words != "nothing"]
        rows.append(f"| {fault} | {injected} | {len(lost)} | {'; '.join(sorted(set(bad))) or 'nothing'} |")
    tries, good = sum(map(len, found.values())), sum(lost.count("nothing") for lost in found.values())
    tools = f"{slurm()}, Snakemake {version('snakemake')}, "
    tools += f"snakemake-executor-plugin-slurm {version('snakemake-executor-plugin-slurm')}"
    rows += ["", f"{good} of {tries} tries lost nothing. {tools}; `make bench-faults`."]
    return "\n".join([*rows, *(f"- {words}" for words in sorted(set(others)))])


def write_page() -> None:
    """Put the table between its marks."""
    text = PAGE.read_text(encoding="utf-8")
    marked = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    PAGE.write_text(marked.sub(lambda _: f"{BEGIN}\n{table()}\n{END}", text), encoding="utf-8")


def main() -> None:
    """Run the tries that are missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=3, help="of each fault (%(default)s)")
    parser.add_argument("--page", action="store_true", help="only the table, of the tries that are there")
    arguments = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    names = sorted(path.stem for path in (ROOT / TESTS).glob("test_faults_*.py"))
    for number in range(0 if arguments.page else arguments.tries):
        run(number, names)
    write_page()
    print(table())


if __name__ == "__main__":
    main()
