"""What the traffic of a service ought to be, and whether it is so.

Revisions are always named here: what "latest" means changes by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from data.records.traffic import Route

Allocation = Mapping[str, int]
_NOT_A_NAME = ("", "latest", "previous", "current")
_LONGEST = 63


def revision_name(service: str, revision: str) -> str:
    """`SERVICE-REVISION`; a name that begins with the service already stays as it is.

    Raises:
        ValueError: it names no revision, or one that the platform would not take.
    """
    if revision.lower() in _NOT_A_NAME:
        raise ValueError(f"expected the name of a revision, got {revision!r}")
    name = revision if revision.startswith(f"{service}-") else f"{service}-{revision}"
    plain = name.replace("-", "a")
    if not (plain.isascii() and plain.isalnum() and name == name.lower()) or name.endswith("-"):
        raise ValueError(f"expected lower-case letters, digits and hyphens, got {revision!r}")
    if len(name) > _LONGEST:
        raise ValueError(f"expected at most {_LONGEST} characters, {name!r} has {len(name)}")
    return name


def pinned(routes: Iterable[Route], latest: str) -> tuple[Route, ...]:
    """The same traffic by name, so that a new revision gets none by being the latest."""
    return tuple(r if r.revision else r.model_copy(update={"revision": latest}) for r in routes)


def allocation(routes: Iterable[Route]) -> dict[str, int]:
    """Revision -> percent of the users; those without users are left out."""
    found: dict[str, int] = {}
    for route in routes:
        if route.percent:
            found[route.revision] = found.get(route.revision, 0) + route.percent
    return found


def tagged(routes: Iterable[Route], tag: str) -> Route | None:
    """The line with a tag."""
    return next((route for route in routes if route.tag == tag), None)


def with_tag(routes: Sequence[Route], name: str, tag: str) -> tuple[Route, ...]:
    """The tag on a revision, and nobody's traffic moved. Who had the tag before has it no more."""
    kept = [r.model_copy(update={"tag": ""}) if r.tag == tag else r for r in routes]
    return (
        *(r for r in kept if r.percent or r.tag),
        Route(revision=name, tag=tag),
    )


def shared(routes: Sequence[Route], name: str, percent: int) -> tuple[Route, ...]:
    """So many percent to a revision, the rest where everything was.

    Raises:
        ValueError: more than one other revision has users, so the rest has no one place.
    """
    others = {r: p for r, p in allocation(routes).items() if r != name}
    if len(others) != 1:
        raise ValueError(f"the traffic is split among several already: {told(allocation(routes))}")
    rest = Route(revision=next(iter(others)), percent=100 - percent)
    return (rest, Route(revision=name, percent=percent), *_tags(routes))


def all_to(routes: Sequence[Route], name: str) -> tuple[Route, ...]:
    """All users to one revision; tags stay where they are."""
    return (Route(revision=name, percent=100), *_tags(routes))


def _tags(routes: Iterable[Route]) -> tuple[Route, ...]:
    return tuple(r.model_copy(update={"percent": 0}) for r in routes if r.tag)


def told(allocated: Allocation) -> str:
    """The traffic in words."""
    lines = sorted(allocated.items(), key=lambda line: (-line[1], line[0]))
    return ", ".join(f"{name} {percent} %" for name, percent in lines) or "nobody"


def drift(wanted: Sequence[Route], found: Sequence[Route]) -> str:
    """What is other than it was asked for: users first, then tags; "" when all is as wanted."""
    if (asked := allocation(wanted)) != (seen := allocation(found)):
        return f"asked for {told(asked)}, users get {told(seen)}"
    for route in wanted:
        has = tagged(found, route.tag) if route.tag else route
        if has is None or has.revision != route.revision:
            reads = has.revision if has else "no revision"
            return f"asked for the tag {route.tag} on {route.revision}, it is on {reads}"
    return ""
