"""Strangers cannot fill libxml2's dictionary, nor make it refuse to read."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from lxml import etree

from ksz_childbenefits.contract import parser, schemas
from ksz_childbenefits.contract.contracts import CONSULTATION
from ksz_childbenefits.contract.xmlio import parse
from tests.contract.messages import request, request_xml

pytestmark = pytest.mark.once

HOSTILE = """
import resource
from ksz_childbenefits.contract.xmlio import parse
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
def message(i):
    return b"<r>%s</r>" % b"".join(b"<a%d_%d_%s/>" % (i, j, b"x" * 38) for j in range(4900))
for i in range(20): parse(message(i), None)
before = peak()
for i in range(20, 220): parse(message(i), None)
print(peak() - before)
"""


def test_memory_does_not_grow_with_the_names_that_strangers_invent() -> None:
    """Without forgetting, 200 such messages take some 90 MB."""
    result = subprocess.run(
        [sys.executable, "-c", HOSTILE], capture_output=True, text=True, check=True
    )
    assert int(result.stdout) < 25


def test_lxml_keeps_its_dictionary_where_we_let_it_go() -> None:
    parse(b"<a/>", None)
    assert parser.CONTEXT in parser.thread_state()


def test_documents_outlive_the_dictionary_they_were_read_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parser, "BUDGET", 1)
    trees = [parse(request_xml(ssin="12031590185").encode(), None) for _ in range(50)]
    home = etree.Element("home")
    for tree in trees:
        schemas.validate_request(CONSULTATION, tree)
        home.append(tree)
    assert {element.findtext("criteria/ssin") for element in home} == {"12031590185"}
    assert len(home.findall("{*}consultFilesBySsinRequest/legalContext")) == 50


def test_threads_forget_apart_from_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser, "BUDGET", 2000)
    expected = etree.tostring(request())
    failures: list[object] = []

    def work() -> None:
        for _ in range(300):
            root = parse(request_xml().encode(), None)
            schemas.validate_request(CONSULTATION, root)
            if etree.tostring(root) != expected:
                failures.append(root)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
