"""A suite whose runner cannot be looked into: its contact is seen from outside.

Before services without TLS stands a proxy, which sees every byte. The guard sees the sockets of the
suite's processes, with any target (`tasks/suites/tree.py`).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from urllib.parse import urlsplit

from data.records.facts import Collected, SuiteResult, TestResult
from data.records.orders import SuiteOrder
from data.records.plan import Results
from data.rules.contact_by_time import (
    MISSED,
    NOWHERE,
    WEAKER_STILL,
    Sight,
    witnessed_by_time,
)
from data.rules.readers.contact_log import Seen, contacts_seen
from tasks.proxies.contact import ContactProxy
from tasks.suites.files import WorkFiles
from tasks.suites.reported import run_reported
from tasks.suites.results import ResultFiles

ProxiedFact = Collected | TestResult | SuiteResult


async def run_proxied(order: SuiteOrder, results: Results) -> AsyncGenerator[ProxiedFact, None]:
    """Run one attempt as `run_reported` does, with the order's services behind a proxy.

    Tests are told as they end and, once the suite is over, told again with the contact that was
    seen in their time; the last word of a suite comes after that.
    """
    tests: dict[str, TestResult] = {}
    last: SuiteResult | None = None
    log = WorkFiles(order).contacts
    log.unlink(missing_ok=True)
    async with ContactProxy(order.proxied) as proxy:
        moved = _moved(order, proxy.urls)
        found = ResultFiles(moved, results)
        async for fact in run_reported(moved, found):
            if isinstance(fact, SuiteResult):
                last = fact
                continue
            if isinstance(fact, TestResult):
                tests[fact.test_id] = fact
            yield fact
        contacts = proxy.contacts
    seen = contacts_seen(log.read_text("utf-8").splitlines() if log.exists() else ())
    both = (*contacts, *seen.contacts)
    sight = _sight(order, seen)
    for test in witnessed_by_time(list(tests.values()), found.windows, both, sight):
        yield test
    if last is not None:
        yield last


def _sight(order: SuiteOrder, seen: Seen) -> Sight:
    """A proxy misses nothing; where only sockets are seen, absence is known of nearby looks alone.

    Of a suite that was never seen to talk to a target with TLS nothing is known: its tests may
    have done so where no process of the runner shows it.
    """
    if not order.watched:
        return Sight()
    if not seen.contacts:
        return Sight(WEAKER_STILL, NOWHERE)
    return Sight(WEAKER_STILL, seen.doubt and MISSED + seen.doubt, seen.blind)


def _moved(order: SuiteOrder, urls: Mapping[str, str]) -> SuiteOrder:
    """The order with the proxy's addresses wherever its command or environment has a service's."""
    places = {
        f"//{urlsplit(url).netloc}": f"//{urlsplit(urls[name]).netloc}"
        for name, url in order.proxied.items()
    }

    def moved(text: str) -> str:
        for real, ours in places.items():
            text = text.replace(real, ours)
        return text

    env = {name: moved(text) for name, text in order.env.items()}
    return order.model_copy(update={"env": env, "command": tuple(map(moved, order.command))})
