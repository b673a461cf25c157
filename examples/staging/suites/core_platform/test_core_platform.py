"""The suite as it shipped with the revision under test.

One file and one set of test ids in every revision: a report, a manifest or a resumed
run refers to `test_core_platform.py::test_…` whichever variant stands behind it.
"""

import os

match os.environ.get("SUITE_REVISION", ""):
    case "hanging-suite":
        from core_platform.variants.hanging import *  # noqa: F403
    case "fake-suite":
        from core_platform.variants.fake import *  # noqa: F403
    case "empty-suite":
        from core_platform.variants.empty import *  # noqa: F403
    case "broken-suite":
        from core_platform.variants.broken import *  # noqa: F403
    case _:
        from core_platform.honest import *  # noqa: F403
