"""What each family of failure signatures means, and what to look at first."""

from __future__ import annotations

from typing import NamedTuple


class Explanation(NamedTuple):
    """One sentence of cause (and whose fault), one of advice."""

    sentence: str
    hint: str


_UNKNOWN = Explanation("The probe failed in a way without an explanation.", "Read its message.")

# fmt: off
EXPLANATIONS: dict[str, Explanation] = {
    key: Explanation(sentence, hint)
    for key, sentence, hint in (
        ("dns/unknown-name", "The name of the service does not exist.",
         "Compare the address in the plan with the DNS zone."),
        ("dns/no-answer", "No name server answered: the network or the resolver, not the product.",
         "Try again from another network before blaming the deployment."),
        ("dns/timeout", "The name server did not answer in time: the network, not the product.",
         "Try again from another network before blaming the deployment."),
        ("tcp/refused", "Nothing listens at the address: the process is down or not yet up.",
         "Read the log of the service's start; compare the port with the plan."),
        ("tcp/timeout", "The address does not answer at all: a firewall, a route or a dead host.",
         "Check ingress rules and that the host is up."),
        ("tcp/reset", "The other side broke the TCP connection without a word.",
         "Look for a crash, an out-of-memory kill or a proxy's limit at that moment."),
        ("tcp/unreachable", "There is no route to the address: the network, not the product.",
         "Check the routes from where the gate runs."),
        ("tcp", "The connection failed below HTTP.", "Read the message; check the network path."),
        ("tls/expired", "The server's certificate has expired.", "Renew and reload it."),
        ("tls/not-yet-valid", "The server's certificate is not valid yet, or a clock is wrong.",
         "Compare the clocks, then the certificate's dates."),
        ("tls/untrusted", "The certificate's issuer is not trusted here, or its chain is cut.",
         "Serve the whole chain; for a private issuer set SSL_CERT_FILE."),
        ("tls/hostname", "The certificate is for another name than the one in the plan.",
         "Compare the plan's address with the certificate's names."),
        ("tls/timeout", "TCP opened, but the TLS handshake did not end.",
         "Is that port a TLS port, and is its proxy alive?"),
        ("tls", "The TLS handshake failed.", "Compare protocol versions and ciphers."),
        ("ws/refused/401", "The server refused the credentials in the handshake.",
         "Compare the signing secret and audience of the issuer and the service."),
        ("ws/refused/403", "The server refused the socket in the handshake.",
         "Compare the signing secret, permissions and the allowed origins."),
        ("ws/refused/404", "No WebSocket is served at that path.",
         "Compare the path with the routes of the revision and of its proxy."),
        ("ws/refused/200", "The address answered as plain HTTP: the upgrade was lost on the way.",
         "Check that the proxy forwards Upgrade and Connection."),
        ("ws/refused/503", "The service, or the proxy in front of it, is not ready.",
         "Read the health body and the log of the start."),
        ("ws/refused", "The handshake was answered with an HTTP status instead of 101.",
         "Read the body in the message and the log of the service for that request."),
        ("ws/subprotocol/server-named-unoffered",
         "The server named a subprotocol that was not offered. The server is at fault, and every "
         "conforming client must give up (RFC 6455 4.1).",
         "Answer with one of the offered subprotocols, or with none."),
        ("ws/subprotocol/not-chosen",
         "The server did not choose the subprotocol that the plan demands.",
         "Compare the offered list with what the revision supports."),
        ("ws/extension/server-named-unoffered",
         "The server turned on an extension that was not offered. The server is at fault.",
         "Do not answer with Sec-WebSocket-Extensions unless the client offered it."),
        ("ws/handshake/timeout", "TCP opened, but the handshake got no answer in time.",
         "Look for a blocked event loop or a proxy that waits for a cold instance."),
        ("ws/handshake/closed", "The server hung up instead of answering the handshake.",
         "Look for a crash while accepting, or a proxy without a backend."),
        ("ws/handshake", "The answer to the handshake is not valid (RFC 6455 4.2.2).",
         "See whether the port speaks HTTP and the proxy leaves the headers alone."),
        ("ws/closed-early/1000",
         "The server closed the socket as if all were well, before it had done its work. Clients "
         "that only loop over messages see no error at all.",
         "Find who calls close: a clean-up, a time-out or a second connection."),
        ("ws/closed-early/1001", "The server went away: a shutdown or a new revision taking over.",
         "Was there a deployment or a scale-down at that moment?"),
        ("ws/closed-early/1006", "The connection broke without a close frame (RFC 6455 7.1.5).",
         "Look for a crash of the process or an idle limit of the proxy."),
        ("ws/closed-early/1008", "The server closed for a breach of policy, often the login.",
         "Compare the token's secret, audience and age with what the server wants."),
        ("ws/closed-early/1011", "The server met an error that it did not expect.",
         "Its log has a traceback at that moment."),
        ("ws/closed-early/1012", "The server restarts.", "Was there a deployment at that moment?"),
        ("ws/closed-early/1013", "The server is overloaded and asks to try later.",
         "Compare the load and the limits of connections."),
        ("ws/closed-early", "The socket was closed before the work was done.",
         "The code and the words are the server's: look for them in its code."),
        ("ws/protocol-error", "The server broke the protocol, and the client had to hang up.",
         "Look at frames, sizes and UTF-8 (RFC 6455 7.4.1)."),
        ("ws/unclean-close", "The work was done, but the socket did not close cleanly.",
         "See that the server answers close frames before it drops the connection."),
        ("ws/auth/accepted-without-credentials",
         "A socket was opened that had to be refused: the door is open.",
         "Treat as a security incident; check that authentication is on in this environment."),
        ("first-message", "The first message of the server is not the one that was promised.",
         "Compare the contract with what the revision sends after connecting."),
        ("contract/missing", "An event that users wait for never came, though the run ended.",
         "Look for the place that emits it: is it still called in this revision?"),
        ("contract/repeated", "An event came more often than the contract allows.",
         "Look for two emitters, a retry or a run that was started twice."),
        ("contract/order", "Events came in an order that cannot be true.",
         "Look for emits that are not awaited, or several workers on one socket."),
        ("contract/field-absent", "Events lack a field that the contract promises.",
         "Compare the event's schema with the previous revision's."),
        ("contract/field-empty", "Events carry an empty field: the shape without the substance.",
         "Follow where the value should come from."),
        ("contract/field", "Events carry a wrong value; for ids, another user's or run's events.",
         "If it is an id of a user, treat as a leak between users."),
        ("contract/same", "Events of one run do not agree on a value that must stay the same.",
         "Look for runs that share state."),
        ("contract/foreign", "A message came that the contract does not allow in between.",
         "Is it new in this revision? Then change the plan, else the product."),
        ("contract/error-event", "The server reported an error of its own.",
         "Its message is in the failure; look for it in the server's log."),
        ("answer/empty", "The run ended as a success with an empty answer.",
         "Look at the agent's last step and at swallowed exceptions."),
        ("answer/canned-phrase", "The answer is a fallback's or a mock's, not the product's.",
         "Find which dependency was missing when the fallback took over."),
        ("answer/canned-gaps", "The events came at equal gaps: a script and no work.",
         "Look for sleeps between emits, and for a mock that is on in this environment."),
        ("answer/ignores-nonce", "The answer does not use what was asked.",
         "Is the message passed on to the agent, and are answers cached?"),
        ("answer/echo", "The answer gives the question back.",
         "Find the fallback that repeats the user's text."),
        ("http/status/401", "The service refused the credentials.",
         "Compare the signing secret and audience of the issuer and the service."),
        ("http/status/403", "The service refused the request.", "Compare permissions and tokens."),
        ("http/status/429", "The service limited the rate.",
         "Lower the probe's concurrency or raise the limit for the gate's user."),
        ("http/status/503", "The service, or the proxy in front of it, is not ready.",
         "Read the health body and the log of the start."),
        ("http/status", "The status is not one that the plan accepts.",
         "Read the body in the message and the log for that request."),
        ("http/slow", "The answer was right but later than the plan allows.",
         "Compare with the trend of this metric."),
        ("http/timeout", "The connection opened, but the answer did not come in time.",
         "Look for a blocked worker or a slow dependency."),
        ("http/closed-early", "The server hung up before the answer was whole.",
         "Look for a crash or a proxy's limit."),
        ("http/not-http", "The answer is not valid HTTP.", "Is that port the service's?"),
        ("http/not-json", "The body is not JSON though the plan reads fields of it.",
         "Often a proxy's error page: read the body in the message."),
        ("http/header", "A header is not what the plan expects.", "Compare with the contract."),
        ("http/text", "The text of the body is not what the plan expects.",
         "Compare with the contract."),
        ("http", "The body is not what the plan expects.", "Compare with the contract."),
        ("timeout/first-message", "The socket opened and then stayed silent.",
         "Look for what the server awaits before it greets."),
        ("timeout/first-event", "No event came after the message was sent.",
         "Was the message routed to an agent at all?"),
        ("timeout/gap", "Events began and then paused longer than the plan allows.",
         "The signature names the event that was due: look at the step before it."),
        ("timeout/last-event", "The events did not end in time.",
         "The signature names the event that was due: look at the step before it."),
        ("timeout/probe", "The probe's whole time was over before these executions ended.",
         "Compare the probe's timeout with repeat x concurrency and the latency."),
        ("gate", "The gate itself failed: a bug or a broken plan, not the product.",
         "Report it with the message."),
    )
}


# fmt: on
def explain(signature: str) -> Explanation:
    """The explanation of the longest family that a signature belongs to."""
    return family_of(signature) or _UNKNOWN


def family_of(signature: str) -> Explanation | None:
    """The same, None where it belongs to none.

    A family of one word is followed by a slash: `gate is closed` is somebody's message.
    """
    families = (key for key in EXPLANATIONS if _belongs(signature, key))
    return EXPLANATIONS.get(max(families, key=len, default=""))


def _belongs(signature: str, family: str) -> bool:
    ends = (f"{family}/", f"{family} ") if "/" in family else (f"{family}/",)
    return signature == family or signature.startswith(ends)
