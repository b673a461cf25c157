"""YAML text to plain values that remember their lines; duplicate keys are faults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from data.errors import Fault
from data.rules.planning.expand import expand

Path = tuple[str | int, ...]
MAX_NODES = 100_000
MAX_DEPTH = 100
_MERGE = "tag:yaml.org,2002:merge"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class Document:
    """A document's value, the line of each path in it, and what was wrong on the way.

    Attributes:
        raw: text of each scalar before `${VAR}` expansion, by path.
    """

    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    raw: dict[Path, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """1-based line of the path or of its nearest ancestor, 0 when unknown."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)


def read_document(text: str, file: str, environ: Mapping[str, str]) -> Document:
    """Parse YAML, expand `${VAR}` and `${VAR:-default}` in scalars, collect all faults."""
    document = Document()
    reader = _Reader(document, file, environ)
    try:
        if _too_deep(text):
            document.faults.append(Fault(f"more than {MAX_DEPTH} levels deep", file, 1))
            return document
        node = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError) as error:
        document.faults.append(_unreadable(error, file))
        return document
    if node is not None:
        document.value = reader.value(node, ())
    return document


def _too_deep(text: str) -> bool:
    """Whether the document nests deeper than any plan; libyaml's composer would crash on it."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            return True
    return False


def dotted(path: Path) -> str:
    """`('phases', 0, 'id')` as `phases[0].id`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".")


def scalars(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every scalar of a value with its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from scalars(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from scalars(item, (*path, index))
    else:
        yield path, value


class _Reader:
    def __init__(self, document: Document, file: str, environ: Mapping[str, str]) -> None:
        self.document, self.file, self.environ = document, file, environ
        self.n_nodes = 0
        self.open: list[yaml.Node] = []
        self.merging: list[yaml.Node] = []

    def value(self, node: yaml.Node, path: Path) -> Any:
        self.document.lines.setdefault(path, node.start_mark.line + 1)
        self.n_nodes += 1
        if self.n_nodes > MAX_NODES or any(node is other for other in self.open):
            self.fault(node, path, "the document refers to itself or grows without bound")
            return None
        self.open.append(node)
        try:
            return self._value(node, path)
        finally:
            self.open.pop()

    def _value(self, node: yaml.Node, path: Path) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
        return self.scalar(node, path)

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in self.pairs(node, path):
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
            if key in found:
                self.fault(key_node, (*path, key), f"the key {key!r} is given twice")
            self.document.lines[(*path, key)] = key_node.start_mark.line + 1
            found[key] = self.value(value_node, (*path, key))
        return found

    def pairs(self, node: yaml.MappingNode, path: Path) -> list[tuple[yaml.Node, yaml.Node]]:
        own = [(k, v) for k, v in node.value if k.tag != _MERGE]
        names = {str(k.value) for k, _ in own}
        merged: list[tuple[yaml.Node, yaml.Node]] = []
        for key, value in node.value:
            if key.tag == _MERGE:
                merged += self.merged(value, names, path)
        return merged + own

    def merged(self, value: yaml.Node, names: set[str], path: Path) -> list[Any]:
        sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
        found = []
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                self.fault(source, path, "<<: expects a mapping")
                continue
            self.n_nodes += 1
            if self.n_nodes > MAX_NODES or any(source is other for other in self.merging):
                self.fault(source, path, "the document refers to itself or grows without bound")
                continue
            self.merging.append(source)
            pairs = self.pairs(source, path)  # what is merged may merge in its turn
            self.merging.pop()
            found += [(k, v) for k, v in pairs if str(k.value) not in names]
            names |= {str(k.value) for k, _ in pairs}
        return found

    def scalar(self, node: yaml.Node, path: Path) -> Any:
        text = str(node.value)
        self.document.raw[path] = text
        if "${" not in text:
            return self.typed(node, path, node.tag, text)
        expanded, unset = expand(text, self.environ)
        for name in unset:
            hint = f"set it, or give a default: ${{{name}:-value}}"
            self.fault(node, path, f"the variable {name} is not set", hint)
        quoted = getattr(node, "style", None) in ("'", '"', "|", ">")
        is_text = quoted or (not expanded and "env" in path)  # X="" is a variable, not none
        if is_text or unset:
            return expanded
        return self.typed(node, path, _tag_of(expanded), expanded)

    def typed(self, node: yaml.Node, path: Path, tag: str, text: str) -> Any:
        try:
            return _typed(tag, text)
        except (ValueError, KeyError, OverflowError):  # such as `!!int abc`, or 5000 digits
            self.fault(node, path, f"{text[:40]!r} is no {tag.rsplit(':', 1)[-1]}")
            return None

    def fault(self, node: yaml.Node, path: Path, message: str, hint: str = "") -> None:
        line = node.start_mark.line + 1
        self.document.faults.append(Fault(message, self.file, line, dotted(path), hint))


def _tag_of(text: str) -> str:
    """The tag that YAML gives to a plain scalar: an expanded `${PORT}` is a number again."""
    resolver: Any = yaml.resolver.Resolver()
    return str(resolver.resolve(yaml.ScalarNode, text, (True, False)))


def _typed(tag: str, text: str) -> Any:
    if not tag.endswith((":int", ":float", ":bool", ":null")):
        return text
    maker: Any = yaml.constructor.SafeConstructor()
    return maker.construct_object(yaml.ScalarNode(tag, text))


def _unreadable(error: Exception, file: str) -> Fault:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    line = mark.line + 1 if mark else 0
    return Fault(f"this is not readable YAML: {problem}", file, line)
