"""Whom this machine trusts on TLS connections."""

from __future__ import annotations

import ssl
from functools import cache


@cache
def tls_context() -> ssl.SSLContext:
    """The trust of this machine, made once: a context takes 20 to 50 ms, and more under load."""
    return ssl.create_default_context()
