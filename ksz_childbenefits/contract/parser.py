"""The parser of each thread, hardened, which lets go what strangers make it remember.

lxml lets all documents that one thread parses share a dictionary, in which libxml2 keeps every
name, prefix, namespace and short text it ever met, until the thread ends. Some 1,500 messages of
256 KiB, which nobody has to sign, bring it to 100 MB, and from then on libxml2 refuses to read in
that thread (measured with lxml 6.1). So each thread takes a new parser and a new dictionary after
so many bytes; documents that were read with an old one keep it alive for themselves.

Parsing in threads that end would do without this look into lxml, but costs 0.3 ms a message, and
35 ms where other threads are busy.
"""

from __future__ import annotations

import ctypes
import threading
from typing import Any, Final, cast

from lxml import etree

BUDGET: Final = 4 * 1024 * 1024
"""After reading this many bytes a thread lets its parser and its dictionary go."""

CONTEXT: Final = "_ParserDictionaryContext"
"""Where lxml keeps the dictionary, in the state of the thread (parser.pxi)."""

_state_of_thread: Final = ctypes.pythonapi.PyThreadState_GetDict
_state_of_thread.argtypes = []
_state_of_thread.restype = ctypes.c_void_p  # a borrowed reference: the cast below counts its own


class _Reading(threading.local):
    """What this thread reads with, and how many bytes it has read with it."""

    def __init__(self) -> None:
        self.parser = _new_parser()
        self.size = 0


def parser_for(size: int) -> etree.XMLParser:
    """The parser with which this thread is to read its next ``size`` bytes."""
    _reading.size += size
    if _reading.size > BUDGET:
        # Both, or the parser would hand its old dictionary to the thread again.
        thread_state().pop(CONTEXT, None)
        _reading.parser = _new_parser()
        _reading.size = size
    return _reading.parser


def thread_state() -> dict[Any, Any]:
    """The dictionary in which C extensions keep what belongs to the thread that calls."""
    return cast("dict[Any, Any]", ctypes.cast(_state_of_thread(), ctypes.py_object).value)


def _new_parser() -> etree.XMLParser:
    """A parser that fetches nothing, resolves nothing and drops comments (SECURITY 2)."""
    return etree.XMLParser(
        encoding="UTF-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        collect_ids=False,
    )


_reading: Final = _Reading()
