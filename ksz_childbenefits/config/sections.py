"""What the sections of the configuration share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Url = Annotated[str, Field(pattern="^https?://[!-~]+$")]


class Section(BaseModel):
    """A part of the configuration: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PassphraseSettings(Section):
    """Where a passphrase is to be had, never itself: a ``file``, or a variable of the environment.

    The file's line end does not count.
    """

    file: Path | None = None
    env: Annotated[str | None, Field(min_length=1)] = None

    @model_validator(mode="after")
    def _one_place(self) -> PassphraseSettings:
        if (self.file is None) == (self.env is None):
            raise ValueError("a passphrase is named by either file or env")
        return self
