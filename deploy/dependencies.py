"""What is shipped with the service: a bill of materials, and whether any of it is known to be bad.

    python deploy/dependencies.py sbom FILE     CycloneDX 1.6, JSON
    python deploy/dependencies.py audit         against the advisories of osv.dev

Both are about what the service needs to run, as it is installed here: no tool of developers is in
either. A known vulnerability fails the audit, unless accepted-vulnerabilities.toml accepts it, with
a reason and not for ever. Where osv.dev cannot be reached the audit says, loudly, that it was not
done, and does not fail: nothing is less safe than it was, and an outage elsewhere, or a machine
without a way out, must not keep a repair from being tested.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

OURS = "ksz-childbenefits"
ACCEPTED = Path(__file__).parent / "accepted-vulnerabilities.toml"
OSV = "https://api.osv.dev/v1/query"


def shipped(root: str = OURS) -> dict[str, str]:
    """The distributions that ``root`` needs to run, each with its installed version."""
    found: dict[str, str] = {}
    pending = [(root, frozenset[str]())]
    seen = set()
    while pending:
        name, extras = pending.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        installed = distribution(name)
        found[canonicalize_name(name)] = installed.version
        pending += list(_required(installed.requires or (), extras))
    del found[canonicalize_name(root)]
    return dict(sorted(found.items()))


def _required(lines: Iterable[str], extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """What applies of a distribution's requirements here, if it was asked for with these extras."""
    for requirement in map(Requirement, lines):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": e}) for e in (extras or {""})):
            yield canonicalize_name(requirement.name), frozenset(requirement.extras)


def write_sbom(file: Path) -> int:
    """Write what cyclonedx-py finds in this environment, less what is not shipped."""
    options = ["--output-reproducible", "--no-validate"]
    command = ["-m", "cyclonedx_py", "environment", *options, sys.executable]
    done = subprocess.run([sys.executable, *command], capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    sbom = json.loads(done.stdout)
    parts = {canonicalize_name(part["name"]): part for part in sbom["components"]}
    kept = [parts[name] for name in (canonicalize_name(OURS), *shipped())]
    references = {part["bom-ref"] for part in kept}
    sbom["metadata"]["component"] = {**kept[0], "type": "application"}
    sbom["components"] = kept[1:]
    sbom["dependencies"] = [
        {**entry, "dependsOn": [ref for ref in entry.get("dependsOn", ()) if ref in references]}
        for entry in sbom["dependencies"]
        if entry["ref"] in references
    ]
    text = json.dumps(sbom, indent=2, sort_keys=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{text}\n", encoding="utf-8")
    print(f"{file}: {len(kept) - 1} components")
    return 0


@dataclass(frozen=True)
class Accepted:
    """An exception: a vulnerability that reviewers found to do no harm here, and until when."""

    id: str
    package: str
    reason: str
    reviewed_by: str
    until: date


def read_accepted(file: Path) -> list[Accepted]:
    """The list; an entry that lacks something ends the run."""
    entries = tomllib.loads(file.read_text(encoding="utf-8")).get("accepted", [])
    try:
        accepted = [Accepted(**entry) for entry in entries]
    except TypeError as error:
        raise SystemExit(f"{file.name}: {error}") from None
    for entry in accepted:
        if not (entry.reason and entry.reviewed_by and type(entry.until) is date):
            raise SystemExit(f"{file.name}: {entry.id} needs a reason, reviewers and a day")
    return accepted


def audit(accepted_file: Path, osv: str) -> int:
    """0: nothing is known against what is shipped, or nobody could be asked; 1: something is."""
    versions = shipped()
    report = _report(versions, osv)
    if report is None:
        return 0
    complaints = list(judge(report, read_accepted(accepted_file), datetime.now(UTC).date()))
    for complaint in complaints:
        print(f"dependency audit: {complaint}")
    if not complaints:
        print(f"dependency audit: nothing is known against the {len(versions)} that are shipped")
    return 1 if complaints else 0


def _report(versions: Mapping[str, str], osv: str) -> dict[str, Any] | None:
    """What pip-audit says, or None where it could not ask."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as pinned:
        pinned.writelines(f"{name}=={version}\n" for name, version in versions.items())
        pinned.flush()
        where = ["--vulnerability-service", "osv", "--osv-url", osv]
        form = ["--format", "json", "--progress-spinner", "off"]
        what = ["--requirement", pinned.name, "--no-deps", "--disable-pip"]
        command = [sys.executable, "-m", "pip_audit", *where, *form, *what]
        done = subprocess.run(command, capture_output=True, check=False, text=True)  # noqa: S603
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except json.JSONDecodeError:
        why = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        print(f"WARNING: THE DEPENDENCY AUDIT WAS NOT DONE, {osv} gives no answer: {why}")
        return None
    return report


def judge(report: Mapping[str, Any], accepted: Iterable[Accepted], today: date) -> Iterator[str]:
    """What is wrong: vulnerabilities that are not accepted, or no longer, and idle exceptions."""
    left = {(entry.package, entry.id): entry for entry in accepted}
    for package in report["dependencies"]:
        name = package["name"]
        if "skip_reason" in package:
            yield f"{name} could not be looked up: {package['skip_reason']}"
        for found in package.get("vulns", ()):
            names = [found["id"], *found.get("aliases", ())]
            exception = next((left.pop((name, n)) for n in names if (name, n) in left), None)
            fixed = ", ".join(found["fix_versions"]) or "no version yet"
            known = f"{name} {package['version']}: {' = '.join(names)}, mended in {fixed}"
            if exception is None:
                yield known
            elif exception.until < today:
                yield f"{known}; it was accepted until {exception.until} only"
    for entry in left.values():
        yield f"{entry.id} of {entry.package} is accepted but not there any more: take it out"


def main(arguments: list[str]) -> int:
    """Do what the command line says; gives the exit code."""
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("sbom").add_argument("file", type=Path)
    auditing = commands.add_parser("audit")
    auditing.add_argument("--osv-url", default=OSV)
    auditing.add_argument("--accepted", type=Path, default=ACCEPTED)
    given = parser.parse_args(arguments)
    if given.command == "sbom":
        return write_sbom(given.file)
    return audit(given.accepted, given.osv_url)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
