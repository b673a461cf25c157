"""The table of the failure taxonomy: each fault and the one signature that it must have."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from tests.probes.doubles import FIVE

CLEAN = (1000, 1001, 1005)
LONG = "20s"
ON_THE_WIRE = (1000, 1001, 1002, 1003, 1005, *range(1007, 1015), 3000, 4999)


class Fault(NamedTuple):
    """`place` is the path at the fault service, or a name of `grounds` for faults below it."""

    place: str
    signature: str
    terms: Mapping[str, Any] = MappingProxyType({})


def chat(url: str, **terms: Any) -> dict[str, Any]:
    """A journey with every expectation that can be broken; `terms` change its steps.

    A fault that is a time-out sets its own limit: all others are named however busy the machine is.
    """
    expect = {
        "events": list(FIVE), "every": {"user": "u-1", "text": {"not_empty": True}},
        "same": ["run"], "within": LONG, "first_within": LONG, "errors": ["failure"],
        "distinct_gaps": True,
        "answer": {"event": "ended", "path": "result", "uses": ["{{nonce}}"],
                   "not_echo": "say {{nonce}}", "forbid": ["Agent response for:"]},
        **terms.get("expect", {}),
    }  # fmt: skip
    first = {"fields": {"type": {"equals": "hello", "not_empty": True}}, "within": LONG}
    open_ = {"url": url, "within": LONG, "first": first, **terms.get("open", {})}
    steps = [{"open": open_}, {"send": {"json": {"text": "say {{nonce}}"}}}, {"expect": expect},
             {"think": "40ms"}, {"close": {"within": LONG, **terms.get("close", {})}}][: terms.get("steps", 5)]  # fmt: skip
    return {"id": "chat", "kind": "journey", "steps": steps, "retries": 0}


def ask(url: str, timeout: str = LONG, **expect: Any) -> dict[str, Any]:
    """One request with every expectation that can be broken."""
    wanted = {"json": {"state": {"equals": "up", "not_empty": True}}, "within": LONG,
              "headers": {"x-kind": {"equals": "api", "not_empty": True}}, "contains": ["state"],
              "not_contains": ["debug"], **expect}  # fmt: skip
    return {"id": "ask", "kind": "http", "request": {"url": url, "timeout": timeout},
            "expect": wanted, "retries": 0}  # fmt: skip


STATUSES = (200, 302, 400, 401, 403, 404, 407, 418, 426, 429, 500, 502, 503, 504)
HEADERS = {"no-accept": "Sec-WebSocket-Accept", "bad-accept": "Sec-WebSocket-Accept",
           "no-upgrade": "Upgrade", "no-connection": "Connection"}  # fmt: skip

TALKS = (
    Fault("-", "pass"),
    # the opening handshake
    *(Fault(f"{code}", f"ws/refused/{code}") for code in STATUSES),
    *(Fault(name, f"ws/handshake/header/{header}") for name, header in HEADERS.items()),
    Fault("subprotocol", "ws/subprotocol/server-named-unoffered"),
    Fault("-", "ws/subprotocol/not-chosen", {"open": {"subprotocols": ["a"], "subprotocol": "a"}}),
    Fault("extension", "ws/extension/server-named-unoffered"),
    Fault("ssh", "ws/handshake/not-http"),
    Fault("hang-up", "ws/handshake/closed"),
    Fault("reset", "tcp/reset"),
    Fault("mute", "ws/handshake/timeout", {"open": {"within": "1500ms"}}),
    Fault("-", "ws/auth/accepted-without-credentials",
          {"open": {"first": None, "refused": {"within": "150ms"}}, "steps": 1}),
    # the greeting
    Fault("-/silent", "timeout/first-message", {"open": {"first": {"within": "200ms"}}}),
    Fault("-/other", "first-message/field/type"),
    Fault("-/blank", "first-message/field-empty/type"),
    Fault("-/empty", "first-message/field-absent/type"),
    Fault("-/not-json", "first-message/not-json"),
    *(Fault(f"-/close-{code}", f"ws/closed-early/{code}") for code in ON_THE_WIRE),
    # the events
    Fault("-/-/silent", "timeout/first-event", {"expect": {"first_within": "200ms"}}),
    Fault("-/-/stalls", "timeout/last-event/tool_on",
          {"expect": {"within": "1s", "first_within": "1s"}}),
    Fault("-/-/stalls", "timeout/gap/tool_on", {"expect": {"max_gap": "500ms"}}),
    Fault("-/-/deaf-to-pings", "ws/ping-timeout", {"open": {"ping": "100ms"}}),
    Fault("-/-/drops", "ws/closed-early/1006"),
    *(Fault(f"-/-/close-{code}", f"ws/closed-early/{code}") for code in ON_THE_WIRE),
    Fault("-/-/missing", "contract/missing/tool_off"),
    Fault("-/-/repeated", "contract/repeated/thought"),
    Fault("-/-/order", "contract/order/tool_off before tool_on"),
    Fault("-/-/user", "contract/field/user"),
    Fault("-/-/run", "contract/same/run"),
    Fault("-/-/absent", "contract/field-absent/text"),
    Fault("-/-/blank", "contract/field-empty/text"),
    Fault("-/-/foreign", "contract/foreign/advert", {"expect": {"interleaved": False}}),
    Fault("-/-/failure", "contract/error-event/failure no model at #"),
    Fault("-/-/bad-json", "contract/not-json"),
    Fault("-/-/bad-utf8", "ws/protocol-error/1007 invalid # invalid start byte"),
    Fault("-/-/too-big", "ws/protocol-error/1009 frame with # bytes exceeds limit of # bytes"),
    Fault("-/-/bad-opcode", "ws/protocol-error/1002 invalid opcode"),
    Fault("-/-/bad-close", "ws/protocol-error/1002 invalid status code"),
    # the answer
    Fault("-/-/no-answer", "answer/empty"),
    Fault("-/-/canned", "answer/canned-phrase Agent response for:"),
    Fault("-/-/echo", "answer/echo"),
    Fault("-/-/nonce", "answer/ignores-nonce"),
    Fault("-/-/even", "answer/canned-gaps"),
    Fault("-/-/stranger", "contract/cross-talk/ended"),
    # the end
    *(Fault(f"-/-/-/close-{code}", "pass" if code in CLEAN else f"ws/unclean-close/{code}")
      for code in ON_THE_WIRE),
    Fault("-/-/-/drops", "ws/unclean-close/1006"),
    Fault("-/-/-/deaf", "ws/unclean-close/1006", {"close": {"within": "300ms"}}),
    Fault("-/-/-/answers-1011", "ws/unclean-close/answered/1011"),
    Fault("-/-/-/breaks", "ws/unclean-close/protocol-error/1002"),
)  # fmt: skip

PAGE = {"state": "up"}
ANSWERS: dict[str, tuple[int, Any, tuple[str, ...]]] = {
    "good": (200, PAGE, ("X-Kind: api",)),
    **{str(code): (code, PAGE, ("X-Kind: api",)) for code in STATUSES if code != 200},
    "no-header": (200, PAGE, ()),
    "blank-header": (200, PAGE, ("X-Kind: ",)),
    "other-header": (200, PAGE, ("X-Kind: page",)),
    "down": (200, {"state": "down"}, ("X-Kind: api",)),
    "blank": (200, {"state": ""}, ("X-Kind: api",)),
    "lacking": (200, {}, ("X-Kind: api",)),
    "html": (200, "<html>", ("X-Kind: api",)),
    "debug": (200, {**PAGE, "debug": 1}, ("X-Kind: api",)),
    "not-gzip": (200, PAGE, ("X-Kind: api", "Content-Encoding: gzip")),
}
REQUESTS = (
    Fault("good", "pass"),
    *(Fault(f"{code}", f"http/status/{code}") for code in STATUSES if code != 200),
    Fault("no-header", "http/header-absent/x-kind"),
    Fault("blank-header", "http/header-empty/x-kind"),
    Fault("other-header", "http/header/x-kind"),
    Fault("down", "http/field/state"),
    Fault("blank", "http/field-empty/state"),
    Fault("lacking", "http/field-absent/state"),
    Fault("html", "http/not-json"),
    Fault("good", "http/text/lacks", {"contains": ["version"]}),
    Fault("debug", "http/text/has"),
    Fault("not-gzip", "http/encoding"),
    Fault("slow", "http/slow", {"within": "200ms"}),
    Fault("mute", "http/timeout", {"timeout": "600ms"}),
    Fault("hang-up", "http/closed-early"),
    Fault("reset", "tcp/reset"),
    Fault("ssh", "http/not-http"),
)

# Below HTTP: the ground that a journey or a request meets, under either scheme.
GROUNDS = {
    "nothing listens": "tcp/refused",
    "queue full": "tcp/timeout",
    "broadcast address": "tcp/unreachable",
    "link without scope": "tcp/failed/*",
    "unknown name": "dns/unknown-name",
    "no name server": "dns/no-answer",
    "slow name server": "dns/timeout",
    "expired": "tls/expired",
    "tomorrow's": "tls/not-yet-valid",
    "unknown CA": "tls/untrusted",
    "self-signed": "tls/self-signed",
    "of another host": "tls/hostname",
    "plain port": "tls/not-tls",
    "old TLS": "tls/version",
    "other ciphers": "tls/no-common-cipher",
    "mutual TLS": "tls/client-certificate-wanted",
    "hangs up": "tls/closed",
    "mute": "tls/timeout",
    "alert": "tls/failed/# alert internal error",
}
ELSEWHERE = {
    "function/raised/KeyError": "tests/probes/test_python_step.py",
    "function/no-move": "tests/probes/test_python_step.py",
    "function/no-problem": "tests/probes/test_python_step.py",
    "soak/lost": "tests/probes/test_soak.py",
    "soak/unsent": "tests/probes/test_soak.py",
    "soak/duplicated": "tests/probes/test_soak.py",
    "stream/not-a-stream": "tests/probes/test_streams.py",
    "stream/ended-early": "tests/probes/test_streams.py",
    "stream/cut-off": "tests/probes/test_streams.py",  # what needs a process of its own, or a gate without sockets; and who shows it
    "timeout/drain": "tests/probes/test_load.py",
    "timeout/probe": "tests/probes/test_run_probe.py",
    "gate/out-of-sockets/EMFILE": "tests/probes/test_taxonomy.py",
    "load/other": "tests/probes/test_load.py",
    "gate/unexpected-event": "tests/probes/test_taxonomy.py",
    "http/too-big": "tests/probes/test_taxonomy.py",
}
