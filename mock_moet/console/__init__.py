"""The web console of the mock Ministry: what a run sent, what became of it and why, in a browser (docs/console.md).

Server-rendered, usable without script. It shares the listener of the control interface (:mod:`mock_moet.control`) and
lives below ``/console``: the ``Host`` header must name this machine, and a session is needed, which begins with a
one-time link or with the control token. Nothing here judges: it shows what the service has found.
"""

from mock_moet.console.app import create_console, link_url
from mock_moet.console.sessions import Sessions
from mock_moet.console.visit import PREFIX

__all__ = ["PREFIX", "Sessions", "create_console", "link_url"]
