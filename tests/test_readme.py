"""What the README shows is what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("script", ["with_client.py", "with_zeep.py"])
def test_the_scripts_stand_there_verbatim(script: str) -> None:
    assert (ROOT / "samples" / "scripts" / script).read_text(encoding="utf-8") in README


@pytest.mark.parametrize("page", ["README.md", "docs/customers.md"])
def test_every_link_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)", (ROOT / page).read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


def test_every_make_target_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+)", README)) <= targets


def test_every_limit_named_for_operators_is_a_setting() -> None:
    from pydantic import BaseModel

    from ksz_childbenefits import config

    named = set(re.findall(r"`(?:(\w+)\.|\.)(\w+)`", (ROOT / "docs/operators.md").read_text()))
    sections = config.Settings.model_fields
    known = {
        field
        for section in sections.values()
        if isinstance(section.annotation, type) and issubclass(section.annotation, BaseModel)
        for field in section.annotation.model_fields
    }
    assert {key for _, key in named if key not in {"toml", "pem", "sqlite"}} <= known
    assert known <= {key for _, key in named}
