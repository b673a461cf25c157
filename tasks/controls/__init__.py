"""Negative controls: targets that are broken on purpose, and proxies that break a sound one."""
