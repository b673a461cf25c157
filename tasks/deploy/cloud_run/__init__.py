"""`cloud-run`: new revisions beside the live one, and traffic moved by name."""

from __future__ import annotations

from tasks.deploy.cloud_run.deployer import CloudRunDeployer

__all__ = ["CloudRunDeployer"]
