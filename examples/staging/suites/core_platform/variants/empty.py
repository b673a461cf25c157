"""A suite that lost its tests: someone renamed them, and pytest collects nothing."""


def check_backend_health_is_healthy() -> None:
    raise AssertionError("never collected")
