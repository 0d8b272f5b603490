"""What a revision's package is made of: modules, who imports whom, lines, lines that stand twice."""

from __future__ import annotations

import ast
import io
import subprocess
import tarfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = "ems_pipeline"
LAW = "ems_pipeline_tests/test_architecture.py"
"""Says in `LAYERS` on which row a package stands."""
LONG_LINES = 40
"""A function of more lines is counted as long."""
TWICE_LINES = 6
"""So many lines of code in a row that stand elsewhere, too, are counted as a place."""
Graph = Mapping[str, Set[str]]


@dataclass(frozen=True)
class House:
    """The modules of one revision by dotted name, migrations left out; ``layers``: package -> row, 0 below all."""

    trees: Mapping[str, ast.Module]
    texts: Mapping[str, str]
    layers: Mapping[str, int]

    @cached_property
    def imports(self) -> Graph:
        """Module -> modules it imports, inside functions and for types, too."""
        return {name: set(_imported(ast.walk(tree), self.trees.keys())) - {name} for name, tree in self.trees.items()}

    @cached_property
    def imports_when_loaded(self) -> Graph:
        """The same without what functions import when they are called."""
        return {name: set(_imported(_loaded(tree), self.trees.keys())) - {name} for name, tree in self.trees.items()}

    @cached_property
    def arrows(self) -> Counter[tuple[str, str]]:
        """(package, package it imports from) -> imports, each of one module by one module."""
        pairs = ((package(own), package(other)) for own, others in self.imports.items() for other in others)
        return Counter((own, other) for own, other in pairs if own and other and own != other)

    @cached_property
    def arrows_above(self) -> dict[tuple[str, str], int]:
        """Those that do not end at the lowest layer, which everybody imports from."""
        return {pair: n for pair, n in self.arrows.items() if min(self.layers.get(name, 0) for name in pair) > 0}

    @cached_property
    def functions(self) -> list[tuple[str, str, int]]:
        """Module, name and lines of every function, its docstring included."""
        kinds = ast.FunctionDef | ast.AsyncFunctionDef
        return [
            (name, node.name, (node.end_lineno or node.lineno) - node.lineno + 1)
            for name, tree in self.trees.items()
            for node in ast.walk(tree)
            if isinstance(node, kinds)
        ]

    @cached_property
    def lines(self) -> dict[str, int]:
        """Lines of each module."""
        return {name: len(text.splitlines()) for name, text in self.texts.items()}

    @cached_property
    def read_environment(self) -> list[str]:
        """Modules that name the environment of the process."""
        words = {"environ", "getenv"}
        named = {
            name
            for name, tree in self.trees.items()
            for node in ast.walk(tree)
            if (isinstance(node, ast.Attribute) and node.attr in words and ast.unparse(node.value) == "os")
            or (isinstance(node, ast.ImportFrom) and node.module == "os" and words & {n.name for n in node.names})
        }
        return sorted(named)

    @cached_property
    def twice(self) -> list[tuple[int, str, str]]:
        """Lines in a row that two modules share, and the two; imports, docstrings and comments are no code."""
        seen: dict[tuple[str, ...], list[tuple[str, int]]] = defaultdict(list)
        code = {name: _code(self.trees[name], text) for name, text in self.texts.items()}
        for name, lines in code.items():
            for at in range(len(lines) - TWICE_LINES + 1):
                seen[tuple(lines[at : at + TWICE_LINES])].append((name, at))
        pairs = {(a, b) for places in seen.values() for a in places for b in places if a[0] < b[0]}
        ends = [pair for pair in pairs if _moved(pair, -1) not in pairs]
        return sorted((_length(pair, pairs), pair[0][0], pair[1][0]) for pair in ends)


Pair = tuple[tuple[str, int], tuple[str, int]]


def _moved(pair: Pair, by: int) -> Pair:
    (a, at), (b, bt) = pair
    return (a, at + by), (b, bt + by)


def _length(pair: Pair, pairs: Set[Pair]) -> int:
    lines = TWICE_LINES
    while (pair := _moved(pair, 1)) in pairs:
        lines += 1
    return lines


def package(name: str) -> str:
    """The package or loose module below `ems_pipeline` that a module belongs to, or ""."""
    return name.split(".")[1] if "." in name else ""


def cycles(graph: Graph) -> list[list[str]]:
    """Those that reach each other and so themselves, each set once."""
    reached = {name: _reached(graph, name) for name in graph}
    rings = {frozenset(other for other in reached[name] if name in reached.get(other, ())) for name in graph}
    return sorted(sorted(ring) for ring in rings if ring)


def _reached(graph: Graph, start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def house_of(revision: str | None) -> House:
    """Of a revision of git, or of the files as they stand."""
    files = _stored(revision) if revision else _standing()
    texts = {_dotted(path): text for path, text in files.items() if path != LAW}
    trees = {name: ast.parse(text) for name, text in texts.items()}
    return House(trees, texts, _layers(files[LAW]))


def _standing() -> dict[str, str]:
    paths = [*sorted((ROOT / PACKAGE).rglob("*.py")), ROOT / LAW]
    names = {path.relative_to(ROOT).as_posix(): path for path in paths}
    return {name: path.read_text(encoding="utf-8") for name, path in names.items() if "alembic_env" not in name}


def _stored(revision: str) -> dict[str, str]:
    command = ["git", "archive", "--format=tar", revision, PACKAGE, LAW]
    packed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as files:
        members = [m for m in files if m.name.endswith(".py") and "alembic_env" not in m.name]
        return {m.name: opened.read().decode() for m in members if (opened := files.extractfile(m))}


def _dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _layers(law: str) -> dict[str, int]:
    """The value of `LAYERS`: words, numbers and `dict.fromkeys`, nothing else is known to it."""
    for node in ast.parse(law).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "LAYERS":
            return dict(eval(ast.unparse(node.value), {"__builtins__": {}, "dict": dict}))
    raise LookupError(f"{LAW} has no LAYERS; a revision before it cannot be drawn")


def _imported(nodes: Iterator[ast.AST], known: Set[str]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from inner & known or {node.module}


def _loaded(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
            yield from _loaded(child)


def _code(tree: ast.Module, text: str) -> list[str]:
    left_out: set[int] = set()
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_text or isinstance(node, ast.Import | ast.ImportFrom):
            left_out |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    stripped = ((at, line.strip()) for at, line in enumerate(text.splitlines(), 1))
    return [line for at, line in stripped if at not in left_out and line and not line.startswith("#")]
