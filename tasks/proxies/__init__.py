"""Proxies between a suite and the real target that change nothing."""

from tasks.proxies.contact import ContactProxy

__all__ = ["ContactProxy"]
