"""Coverage-guided fuzzing of parser, envelope, verifier and decoding, for a given time.

    .venv/bin/python bench/fuzz/fuzz.py [--seconds 600] [--target verifier ...]

What leads to new ground is kept in bench/fuzz/corpus/, minimised; what breaks a rule in
bench/fuzz/findings/. Ctrl-C ends it early, with all that was learnt. Writes bench/results/fuzz.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import seeds
import targets
from rich.progress import Progress, TaskID

HERE = Path(__file__).parent
CORPUS, FINDINGS = HERE / "corpus", HERE / "findings"
RESULT = targets.ROOT / "bench" / "results" / "fuzz.md"
OPTIONS = ["-max_len=8192", "-timeout=20", "-rss_limit_mb=2048", f"-dict={HERE / 'xml.dict'}"]
KEPT_FILES, KEPT_BYTES = 250, 6000
"""Of each corpus: how many files, and none larger."""

_STATUS = re.compile(r"#(\d+)\s+[A-Z]+\s+cov: (\d+)")
_DONE = re.compile(r"(?:stat::number_of_executed_units:|Done) +(\d+)")


@dataclass
class Run:
    """A fuzzing process of one target, and what it has said of itself."""

    target: str
    folder: Path
    seconds: int
    executions: int = 0
    coverage: int = 0
    findings: list[str] = field(default_factory=list)
    crashed: bool = False
    stopped: bool = False
    process: subprocess.Popen[str] | None = None

    def corpora(self) -> list[str]:
        """Where it keeps what it learns, then what was learnt before, and the seeds."""
        return [str(self.folder / part) for part in ("new", "seeds")]

    def start(self) -> None:
        """Start it, on what is kept in the repository and on the seeds."""
        for part in ("new", "seeds"):
            (self.folder / part).mkdir(parents=True)
        seeds.write(self.target, self.folder / "seeds")
        kept = CORPUS / self.target
        for file in sorted(kept.glob("*")):
            shutil.copy(file, self.folder / "seeds" / file.name)
        limit = f"-max_total_time={self.seconds}"
        crashes = f"-artifact_prefix={FINDINGS}/{self.target}-"
        options = [limit, crashes, "-print_final_stats=1", *OPTIONS]
        self.process = self._harness([*options, *self.corpora()])

    def follow(self, progress: Progress, task: TaskID) -> None:
        """Read what it says until it ends."""
        assert self.process is not None
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if found := _STATUS.search(line):
                self.executions, self.coverage = int(found[1]), int(found[2])
            elif found := _DONE.search(line):
                self.executions = int(found[1])
            elif line.startswith("FINDING"):
                self.findings.append(line.removeprefix("FINDING ").strip())
                progress.console.print(f"[red]{self.target}: {self.findings[-1]}[/]")
            told = f"{self.target}: {self.executions} tried, {self.coverage} edges"
            progress.update(task, description=told)
        self.crashed = self.process.wait() != 0 and not self.stopped

    def stop(self) -> None:
        """End it; libFuzzer keeps what it has found so far."""
        if self.process is not None and self.process.poll() is None:
            self.stopped = True
            self.process.send_signal(signal.SIGINT)

    def minimise(self) -> str:
        """Keep of the corpus what covers as much as all of it; how much that is, in words."""
        merged = self.folder / "merged"
        merged.mkdir()
        self._harness(["-merge=1", *OPTIONS, str(merged), *self.corpora()]).communicate()
        files = sorted(merged.iterdir(), key=lambda file: (file.stat().st_size, file.name))
        keep = [file for file in files if file.stat().st_size <= KEPT_BYTES][:KEPT_FILES]
        kept = CORPUS / self.target
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        for file in keep:
            shutil.copy(file, kept / file.name)
        return f"{len(keep)} files, {sum(file.stat().st_size for file in keep) // 1024} KB"

    def _harness(self, options: Sequence[str]) -> subprocess.Popen[str]:
        """A process of harness.py, which Ctrl-C reaches through us only."""
        program = self.folder / "harness"
        words = (sys.executable, HERE / "harness.py", program, self.target, FINDINGS)
        program.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, words))} "$@"\n')
        program.chmod(0o700)
        return subprocess.Popen(
            [program, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )


def fuzz(runs: Sequence[Run], seconds: int, at_once: int) -> bool:
    """Run all, so many at once, with progress; whether Ctrl-C has ended it."""
    stopped = False
    with Progress() as progress:
        waiting = list(runs)
        clock = progress.add_task("fuzzing", total=seconds)
        while waiting and not stopped:
            now, waiting = waiting[:at_once], waiting[at_once:]
            followers = []
            for run in now:
                run.start()
                task = progress.add_task(run.target, total=None)
                follower = threading.Thread(target=run.follow, args=(progress, task), daemon=True)
                follower.start()
                followers.append(follower)
            try:
                while any(follower.is_alive() for follower in followers):
                    followers[0].join(1) if followers[0].is_alive() else followers[-1].join(1)
                    progress.advance(clock, 1)
            except KeyboardInterrupt:
                stopped = True
                for run in now:
                    run.stop()
                for follower in followers:
                    follower.join(30)
    return stopped


def confirmed(run: Run) -> list[str]:
    """The findings that show without instrumentation too, which slows everything down."""
    real = []
    for said in run.findings:
        name = said.partition(":")[0]
        try:
            targets.checked(run.target, (FINDINGS / name).read_bytes())
        except Exception:  # noqa: BLE001 - whatever it is, it is the finding
            real.append(said)
        else:
            for file in FINDINGS.glob(f"{name}*"):
                file.unlink()
    return real


def report(runs: Sequence[Run], seconds: int, stopped: bool, real: dict[str, list[str]]) -> str:
    """The results as they are kept."""
    lines = [
        "# Fuzzing",
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, Python {platform.python_version()}, "
        f"atheris {version('atheris')}, {os.cpu_count()} cores; `make fuzz SECONDS={seconds}`"
        f"{', stopped early' if stopped else ''}.",
        f"A finding is an exception outside errors.py, an acceptance that an oracle refuses, more "
        f"than {targets.CPU_SECONDS} s of CPU or {targets.MEMORY_BYTES // 2**20} MB of memory.",
        "",
        "| target | tried | edges of our code | corpus kept | findings |",
        "|---|---|---|---|---|",
    ]
    for run in runs:
        kept = run.minimise() if run.executions else "as it was"
        count = len(real[run.target]) + run.crashed
        lines.append(f"| {run.target} | {run.executions} | {run.coverage} | {kept} | {count} |")
    found = [f"- {run.target}: {said}" for run in runs for said in real[run.target]]
    found += [f"- {run.target}: the process itself crashed" for run in runs if run.crashed]
    return "\n".join([*lines, "", *(found or ["None was found."]), ""])


def main() -> int:
    """Fuzz; 0 where nothing was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--target", choices=list(targets.TARGETS), nargs="*")
    given = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("atheris has no wheel for this machine: fuzzing needs Linux on x86-64")
        return 2
    chosen = given.target or list(targets.TARGETS)
    at_once = min(os.cpu_count() or 1, len(chosen))
    each = max(1, given.seconds * at_once // len(chosen))
    FINDINGS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ksz-fuzz-") as name:
        runs = [Run(target, Path(name) / target, each) for target in chosen]
        stopped = fuzz(runs, given.seconds, at_once)
        print("minimising what was learnt ...", flush=True)
        real = {run.target: confirmed(run) for run in runs}
        text = report(runs, given.seconds, stopped, real)
    if not any(FINDINGS.iterdir()):
        FINDINGS.rmdir()
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text, encoding="utf-8")
    print(text)
    return 1 if any(real.values()) or any(run.crashed for run in runs) else 0


if __name__ == "__main__":
    raise SystemExit(main())
