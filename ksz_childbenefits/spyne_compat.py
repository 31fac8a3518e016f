"""spyne 2.14 on Python 3.12 and 3.13: import it from here, never directly (DESIGN).

spyne carries a copy of ``six`` whose lazy ``moves`` modules no longer import since 3.12; the
maintained ``six`` takes its place, with the one function that spyne's copy adds. (The module
``cgi``, gone since 3.13, comes from the package legacy-cgi.)
"""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from operator import attrgetter
from types import ModuleType

import six

_MOVES = ("collections_abc", "http_cookies", "urllib.error", "urllib.parse", "urllib.request")

_six = ModuleType("spyne.util.six", six.__doc__)
_six.__dict__.update({name: value for name, value in vars(six).items() if name[:2] != "__"})
_six.__dict__["get_function_name"] = attrgetter("__name__")

sys.modules["spyne.util.six"] = _six
sys.modules["spyne.util.six.moves"] = six.moves
sys.modules["spyne.util.six.moves.urllib"] = six.moves.urllib
for _name in _MOVES:
    sys.modules[f"spyne.util.six.moves.{_name}"] = import_module(f"six.moves.{_name}")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # cgi's deprecation, and escapes that 3.12 dislikes
    from spyne import Application, ServiceBase, rpc
    from spyne.model.primitive import AnyXml
    from spyne.protocol.soap import Soap11

__all__ = ["AnyXml", "Application", "ServiceBase", "Soap11", "rpc"]
