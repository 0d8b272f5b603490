"""Every way a module is broken in one place: a comparison, an operator, a number, a condition, a default.

A break is a copy of the module's tree with one node changed, so what it stands for can be shown as source again.
Texts, annotations and what is raised are left alone: words are not money.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

COMPARED = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
COMPUTED = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
CALLED = {"min": "max", "max": "min", "any": "all", "all": "any", "floor": "ceil", "ceil": "floor"}
"""Functions and methods that are taken for their opposite."""


@dataclass(frozen=True)
class Mutation:
    """A module with one fault."""

    line: int
    before: str
    after: str
    source: str


def mutations(source: str) -> list[Mutation]:
    """All breaks of a module, in the order of its lines."""
    tree = ast.parse(source)
    places = [node for node in ast.walk(tree) if id(node) not in _untouched(tree)]
    number = {id(node): n for n, node in enumerate(ast.walk(tree))}
    found = []
    for node in places:
        for broken in _broken(node):
            copied = copy.deepcopy(tree)
            target = list(ast.walk(copied))[number[id(node)]]
            target.__class__ = broken.__class__
            target.__dict__.clear()
            target.__dict__.update(broken.__dict__)
            ast.fix_missing_locations(copied)
            line = getattr(node, "lineno", 0)
            found.append(Mutation(line, ast.unparse(node), ast.unparse(target), ast.unparse(copied)))
    return sorted(found, key=lambda m: m.line)


def _broken(node: ast.AST) -> Iterator[ast.AST]:
    """One node, broken in every way there is for its kind."""
    match node:
        case ast.Compare(ops=[operator, *_]) if type(operator) in COMPARED:
            yield _with(node, ops=[COMPARED[type(operator)](), *node.ops[1:]])
        case ast.BinOp(op=operator) if type(operator) in COMPUTED and not _is_text(node):
            yield _with(node, op=COMPUTED[type(operator)]())
        case ast.AugAssign(op=operator) if type(operator) in COMPUTED:
            yield _with(node, op=COMPUTED[type(operator)]())
        case ast.BoolOp(op=operator, values=values):
            yield _with(node, op=ast.And() if isinstance(operator, ast.Or) else ast.Or())
            yield values[0]
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert(), operand=operand):
            yield operand
        case ast.Constant(value=bool(value)):
            yield _with(node, value=not value)
        case ast.Constant(value=int(value) | float(value)):
            yield _with(node, value=value + 1)
        case ast.IfExp(body=body, orelse=orelse):
            yield body
            yield orelse
        case ast.Call(func=ast.Name(id=name)) if name in CALLED:
            yield _with(node, func=ast.Name(CALLED[name], ast.Load()))
        case ast.Call(func=ast.Attribute(attr=name, value=value)) if name in CALLED:
            yield _with(node, func=ast.Attribute(value, CALLED[name], ast.Load()))
        case ast.If(test=test):
            yield _with(node, test=ast.UnaryOp(ast.Not(), test))
        case ast.Continue() | ast.Break():
            yield ast.Pass()


def _with(node: ast.AST, **changed: object) -> ast.AST:
    broken = copy.copy(node)
    for name, value in changed.items():
        setattr(broken, name, value)
    return broken


def _is_text(node: ast.BinOp) -> bool:
    """Strings joined, or types joined by ``|``."""
    return any(isinstance(side, ast.JoinedStr) or _is_name_or_text(side) for side in (node.left, node.right))


def _is_name_or_text(side: ast.expr) -> bool:
    return isinstance(side, ast.Constant) and (isinstance(side.value, str) or side.value is None)


def _untouched(tree: ast.Module) -> set[int]:
    """Nodes that no test has to notice: annotations, what is raised, type checks, names of a record's fields."""
    left: list[ast.AST | None] = []
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                arguments = node.args
                every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
                left += [node.returns, *(a.annotation for a in every), *node.decorator_list]
            case ast.AnnAssign():
                left.append(node.annotation)
            case ast.Raise() | ast.Assert():
                left.append(node)
            case ast.JoinedStr():
                left.append(node)
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                left.append(node)
            case ast.Call(func=ast.Name(id="TypeVar" | "cast" | "NewType")):
                left.append(node)
            case ast.keyword(arg="strict" | "default_factory" | "frozen" | "slots" | "maintain_order"):
                left.append(node)
            case ast.ClassDef():
                left += node.decorator_list
    return {id(inner) for node in left if node is not None for inner in ast.walk(node)}
