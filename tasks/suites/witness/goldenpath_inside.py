"""What a test raised before any other hook could swallow it (see goldenpath_witness)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Iterator  # noqa: UP035

import pytest
from goldenpath_told import error_line, is_skip  # type: ignore[import-not-found]


class Inside:
    """The innermost wrappers around a test: what comes by here comes from the test itself."""

    def __init__(self, session: Any) -> None:
        self.session = session

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        """A test of any kind; a rerun begins anew."""
        if self.session.test is not None:
            self.session.test.inside = ""
        self.keep((yield))

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_pyfunc_call(self) -> Iterator[None]:
        """A function."""
        self.keep((yield))

    def keep(self, outcome: Any) -> None:
        """Its exception, unless that is a way to skip. What fails here harms no suite."""
        error = outcome.excinfo[1] if outcome.excinfo else None
        with suppress(Exception):
            if error is not None and self.session.test is not None and not is_skip(error):
                self.session.test.inside = error_line(error)
