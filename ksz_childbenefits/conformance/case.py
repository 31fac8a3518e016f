"""A case as its author writes it: ``case.toml``, validated (format: samples/README.md)."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from ksz_childbenefits.config import explain
from ksz_childbenefits.conformance.recipe import SendRecipe, SigningRecipe, Table, WireRecipe
from ksz_childbenefits.errors import DataError

NEVER_SIGNED = frozenset({"soapenv:VersionMismatch", "soapenv:MustUnderstand"})
"""Faults up to and including the envelope check are not signed (SECURITY 4)."""

Text = Annotated[str, Field(min_length=1)]


class Tag(StrEnum):
    """Where a case holds: anywhere, in the demo world, or only inside a process that we steer."""

    PROTOCOL = "protocol"
    DEMO_WORLD = "demo world"
    IN_PROCESS = "in process"


class Family(StrEnum):
    """The families of attacks (samples/hostile)."""

    WRAPPING = "wrapping"
    STRIPPING = "stripping and substitution"
    TRANSFORMS = "transforms"
    REFERENCES = "external references"
    ALGORITHMS = "algorithm confusion"
    CERTIFICATES = "certificates"
    TIME = "time"
    REPLAY = "replay"
    ENTITIES = "entities and expansion"
    ENCODINGS = "encodings"
    BOMBS = "structure bombs"
    EDGES = "numbers and dates at the edges"
    SOAP = "SOAP versions and headers"
    FRAMING = "HTTP framing"
    SLOW = "slow peers"


class HttpRecipe(Table):
    """What the HTTP request says; absent keys have the usual values of this service.

    ``headers`` are sent besides; ``content_type = ""`` and ``soap_action = ""`` send an empty
    header, ``false`` sends none. ``path`` stands for the service's own path.
    """

    method: str = "POST"
    path: str | None = None
    content_type: str | Literal[False] | None = None
    soap_action: str | Literal[False] | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    chunked: bool = False


class World(Table):
    """The day and the outages that an in-process case needs.

    ``as_of``: a day or an instant with zone, from which the consultation day is taken.
    ``failing``: the operators whose cadastres fail.
    """

    as_of: Text
    failing: tuple[Literal["Opgroeien", "ORINT", "Iriscare", "AVIQ"], ...] = ()


class ExpectedInformation(Table):
    """An information element of a fault; ``value`` absent: any, or none."""

    name: Text
    value: str | None = None


class Expectation(Table):
    """What is expected where there is no expected.xml: one of four refusals.

    ``fault`` with ``reason``; ``no_result``: the code of a refusal by status (DOMAIN 5); ``http``
    alone: a plain refusal; ``closed``: the connection is closed without an answer, at once or when
    the time of SECURITY 1 for reading, for an idle connection or for writing is over.
    """

    fault: Annotated[str, Field(pattern=r"^(soapenv|wsse):[A-Za-z]+$")] | None = None
    reason: Annotated[str, Field(pattern=r"^[A-Z]{3}[0-9]{5}$")] | None = None
    information: tuple[ExpectedInformation, ...] = ()
    signed: bool | None = None
    http: int | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    no_result: Annotated[str, Field(pattern=r"^[A-Z]{3}[0-9]{5}$")] | None = None
    closed: Literal["at once", "reading", "idle", "writing"] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Expectation:
        if (self.fault is None) != (self.reason is None):
            raise ValueError("fault and reason go together")
        if self.fault is None and self.http is None and not (self.no_result or self.closed):
            raise ValueError("expect a fault, or an HTTP status")
        if self.fault == "soapenv:Client" and self.signed is None:
            raise ValueError("a soapenv:Client fault needs signed = true or false (SECURITY 4)")
        return self

    @property
    def fault_signed(self) -> bool:
        """Whether the expected fault is signed, by SECURITY 4's table."""
        if self.signed is not None:
            return self.signed
        return self.fault not in NEVER_SIGNED and self.http != 503


class _CaseFile(Table):
    """The whole of case.toml."""

    story: Text
    rule: Text
    tag: Tag
    family: Family | None = None
    customer: Text = "fedris"
    sign: SigningRecipe = SigningRecipe()
    send: SendRecipe = SendRecipe()
    http: HttpRecipe = HttpRecipe()
    wire: WireRecipe | None = None
    world: World | None = None
    expect: Expectation | None = None

    @model_validator(mode="after")
    def _world_where_needed(self) -> _CaseFile:
        if (self.tag is Tag.IN_PROCESS) != (self.world is not None):
            raise ValueError('[world] is for cases tagged "in process", and needed there')
        return self


class Case(_CaseFile):
    """A case with its name (that of its folder), what is sent, and the expected reply if any.

    ``shared``: files beside the folders of the cases, which fill ``{name}`` in edits and texts.
    """

    name: str
    request: bytes
    expected: bytes | None
    shared: dict[str, str] = Field(default_factory=dict)


def load_cases(folder: Path) -> tuple[Case, ...]:
    """All cases in ``folder``, by name. DataError names the file and what is wrong in it."""
    files = sorted(folder.glob("*/case.toml"))
    if not files:
        raise DataError(f"no cases in {folder}")
    return tuple(load_case(file.parent) for file in files)


def load_case(folder: Path) -> Case:
    """The case in ``folder``: case.toml, request.xml and, for a reply, expected.xml.

    Without a request.xml of its own it sends the one beside the folders of the cases.
    """
    file, expected = folder / "case.toml", folder / "expected.xml"
    own, shared = folder / "request.xml", folder.parent / "request.xml"
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
        case = Case.model_validate(
            data
            | {
                "name": folder.name,
                "request": (own if own.exists() or not shared.exists() else shared).read_bytes(),
                "expected": expected.read_bytes() if expected.exists() else None,
                "shared": {one.stem: one.read_text("utf-8") for one in folder.parent.glob("*.xml")},
            }
        )
    except OSError as error:
        raise DataError(f"cannot read {error.filename}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{file} is not TOML: {error}") from None
    except ValidationError as error:
        raise DataError(f"{file}: {explain(error)}") from None
    if (case.expected is None) == (case.expect is None):
        raise DataError(f"{folder}: either expected.xml or a table [expect], not both")
    return case
