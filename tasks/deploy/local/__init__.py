"""`local`: processes on this machine behind routers on their public ports.

A detached supervisor owns the processes, so that what was deployed goes on serving when the run
has ended; it stops itself, and them, after `ttl` without use.
"""

from tasks.deploy.local.client import LocalDeployer

__all__ = ["LocalDeployer"]
