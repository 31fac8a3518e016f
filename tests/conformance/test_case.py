"""Cases are validated, and their authors told what is wrong where."""

from __future__ import annotations

from pathlib import Path

import pytest

from ksz_childbenefits.conformance.case import Tag, load_case, load_cases
from ksz_childbenefits.errors import DataError

HEAD = 'story = "A story."\nrule = "DOMAIN 4"\ntag = "protocol"\n'


def write(folder: Path, toml: str, expected: bool = False) -> Path:
    case = folder / "a-case"
    case.mkdir()
    (case / "case.toml").write_text(toml)
    (case / "request.xml").write_text("<a/>")
    if expected:
        (case / "expected.xml").write_text("<a/>")
    return case


def test_a_minimal_case(tmp_path: Path) -> None:
    (case,) = load_cases(write(tmp_path, HEAD, expected=True).parent)
    assert (case.name, case.tag, case.customer) == ("a-case", Tag.PROTOCOL, "fedris")
    assert (case.request, case.expected, case.expect) == (b"<a/>", b"<a/>", None)


@pytest.mark.parametrize(
    ("toml", "complaint"),
    [
        ("story = ", "is not TOML"),
        (HEAD.replace("protocol", "anywhere"), "tag: Input should be 'protocol', 'demo world'"),
        (HEAD.replace('rule = "DOMAIN 4"\n', ""), "rule: Field required"),
        (HEAD.replace("A story.", ""), "story: String should have at least 1 character"),
        (HEAD + "colour = 'blue'\n", "colour: Extra inputs are not permitted"),
        (HEAD + "[sign]\nalgorithm = 'sha3'\n", "sign.algorithm: Input should be 'sha1'"),
        (HEAD + "[sign]\nparts = ['Body', 'Feet']\n", "sign.parts.1: Input should be 'Body'"),
        (HEAD + "[world]\nas_of = '2023-12-31'\n", "[world] is for cases tagged"),
        (HEAD.replace("protocol", "in process"), "[world] is for cases tagged"),
        (HEAD + "[expect]\nfault = 'wsse:FailedCheck'\n", "expect: Value error, fault and reason"),
        (HEAD + "[expect]\nheaders = {}\n", "expect: Value error, expect a fault, or an HTTP"),
        (
            HEAD + "[expect]\nfault = 'soapenv:Client'\nreason = 'MSG00008'\n",
            "a soapenv:Client fault needs signed = true or false",
        ),
        (HEAD + "[expect]\nfault = 'FailedCheck'\nreason = 'MSG00014'\n", "expect.fault: String"),
        (HEAD, "either expected.xml or a table [expect]"),
    ],
)
def test_mistakes(toml: str, complaint: str, tmp_path: Path) -> None:
    case = write(tmp_path, toml)
    with pytest.raises(DataError) as error:
        load_case(case)
    assert complaint in str(error.value)
    assert "a-case" in str(error.value)


def test_both_expectations_are_a_mistake(tmp_path: Path) -> None:
    case = write(tmp_path, HEAD + "[expect]\nhttp = 405\n", expected=True)
    with pytest.raises(DataError, match="either"):
        load_case(case)


def test_a_missing_file(tmp_path: Path) -> None:
    case = write(tmp_path, HEAD, expected=True)
    (case / "request.xml").unlink()
    with pytest.raises(DataError, match=r"cannot read .*request\.xml"):
        load_case(case)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no cases"):
        load_cases(tmp_path)


@pytest.mark.parametrize(
    ("expect", "signed"),
    [
        ("fault = 'wsse:FailedCheck'\nreason = 'MSG00014'", True),
        ("fault = 'soapenv:Client'\nreason = 'MSG00008'\nsigned = true", True),
        ("fault = 'soapenv:Client'\nreason = 'MSG00008'\nsigned = false", False),
        ("fault = 'soapenv:VersionMismatch'\nreason = 'MSG00008'", False),
        ("fault = 'soapenv:MustUnderstand'\nreason = 'MSG00008'", False),
        ("fault = 'soapenv:Server'\nreason = 'MSG00002'", True),
        ("fault = 'soapenv:Server'\nreason = 'MSG00001'\nhttp = 503", False),
    ],
)
def test_which_faults_are_signed(expect: str, signed: bool, tmp_path: Path) -> None:
    """SECURITY 4, second table."""
    case = load_case(write(tmp_path, f"{HEAD}[expect]\n{expect}\n"))
    assert case.expect is not None
    assert case.expect.fault_signed is signed
