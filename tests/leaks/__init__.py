"""No SSIN in any log or metric of the whole test suite (issue 4, "what it must show").

What is logged and exposed is collected: in the test process by a handler that writes what the
service would, in the services that tests start by ``site/sitecustomize.py``, which Python runs
first in each of them. When all is over it is searched, and a number found fails the run.
"""
