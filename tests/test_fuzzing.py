"""What fuzzing has learnt is tried again, without the fuzzer; and its checks do find something."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from ksz_childbenefits.contract import xmlio
from ksz_childbenefits.errors import NotReadable

pytestmark = pytest.mark.once

FUZZ = Path(__file__).parents[1] / "bench" / "fuzz"
TARGETS = ("parser", "envelope", "verifier", "decode")


@pytest.fixture(scope="module")
def modules() -> Iterator[tuple[ModuleType, ModuleType]]:
    """``targets`` and ``seeds``, which are scripts and no package."""
    sys.path.insert(0, str(FUZZ))
    import seeds
    import targets

    yield targets, seeds
    sys.path.remove(str(FUZZ))


def test_each_target_has_learnt_something() -> None:
    for target in TARGETS:
        files = list((FUZZ / "corpus" / target).iterdir())
        assert len(files) >= 10
        assert sum(file.stat().st_size for file in files) < 512 * 1024


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus_finds_nothing(
    target: str,
    modules: tuple[ModuleType, ModuleType],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    targets, seeds = modules
    # Others use the machine and this process too; what a request may cost is tests/hostile_cost's.
    monkeypatch.setattr(targets, "CPU_SECONDS", 10)
    seeds.write(target, tmp_path)
    for file in (*sorted((FUZZ / "corpus" / target).iterdir()), *sorted(tmp_path.iterdir())):
        targets.checked(target, file.read_bytes())


def test_a_seed_of_the_verifier_is_accepted(modules: tuple[ModuleType, ModuleType]) -> None:
    """Else what comes after the signature would never be fuzzed."""
    targets, seeds = modules
    for layout in seeds.layouts()[:5]:
        _, message = targets.sealed(layout)
        assert targets.check(message)
    _, patched = targets.sealed(seeds.layouts()[-1])
    with pytest.raises(targets.Fault):
        targets.check(patched)


def test_seeds_of_decoding_are_valid(modules: tuple[ModuleType, ModuleType]) -> None:
    targets, seeds = modules
    valid = 0
    for payload in seeds.payloads():
        try:
            targets.validate_request(targets.CONSULTATION, xmlio.parse(payload, None))
        except targets.Fault:
            continue
        valid += 1
    assert valid >= 30


def test_an_exception_of_another_kind_is_a_finding(
    modules: tuple[ModuleType, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    targets, _ = modules

    def broken(*_: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr(targets, "open_envelope", broken)
    with pytest.raises(KeyError):
        targets.checked("envelope", b"<a/>")
    targets.checked("envelope", b"<a>")


def test_a_parser_that_reads_something_else_is_found(
    modules: tuple[ModuleType, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    targets, _ = modules
    parse = xmlio.parse

    def permissive(data: bytes, charset: str | None) -> object:
        try:
            return parse(data, charset)
        except NotReadable:
            return targets.etree.fromstring(data)

    targets.checked("parser", b"\0<a><b/></a>")
    monkeypatch.setattr(xmlio, "serialise", lambda root: b"<a><d/></a>")
    with pytest.raises(targets.Finding, match="two documents"):
        targets.checked("parser", b"\0<a><b/></a>")
    monkeypatch.undo()
    monkeypatch.setattr(xmlio, "parse", permissive)
    with pytest.raises(targets.Finding, match="more than elements"):
        targets.checked("parser", b"\0<a><?x y?></a>")


def test_a_verifier_that_believes_everything_is_found(
    modules: tuple[ModuleType, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    targets, seeds = modules
    verified = targets.check(targets.sealed(seeds.layouts()[0])[1])
    monkeypatch.setattr(targets, "check", lambda _: verified)
    with pytest.raises(targets.Finding, match="refused by both"):
        targets.checked("verifier", seeds.layouts()[-1])


def test_a_schema_that_lets_everything_pass_is_found(
    modules: tuple[ModuleType, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    targets, seeds = modules
    monkeypatch.setattr(targets, "validate_request", lambda *_: None)
    longer = next(one for one in seeds.payloads() if b"<ssin>85071293159<" in one)
    with pytest.raises(targets.Finding, match="not for xmlschema"):
        targets.checked("decode", longer.replace(b"<ssin>", b"<ssin>0"))


def test_time_and_memory_are_bounded(
    modules: tuple[ModuleType, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    targets, _ = modules

    def dear(_: bytes) -> None:
        until = time.process_time() + targets.CPU_SECONDS * 1.1
        while time.process_time() < until:
            pass

    monkeypatch.setitem(targets.TARGETS, "parser", dear)
    with pytest.raises(targets.Finding, match=r"0\.5\d s of CPU"):
        targets.checked("parser", b"")
    monkeypatch.undo()
    for peaks, found in (((100, 151), True), ((100, 149), False), ((300, 300), False)):
        peak = iter(peaks)
        monkeypatch.setattr(targets, "_resident", lambda: 100 * 2**20)
        monkeypatch.setattr(targets, "_peak", lambda peak=peak: next(peak) * 2**20)
        if found:
            with pytest.raises(targets.Finding, match="51 MB of memory"):
                targets.checked("parser", b"")
        else:
            targets.checked("parser", b"")
