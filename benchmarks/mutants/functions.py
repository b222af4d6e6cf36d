"""The functions of a tree, found again in another, and the mutants that each can have."""

from __future__ import annotations

import ast
import copy
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.lines import packages

_PAIRS: tuple[tuple[Any, Any], ...] = (
    *((ast.And, ast.Or), (ast.Add, ast.Sub), (ast.Lt, ast.LtE), (ast.Gt, ast.GtE)),
    *((ast.Eq, ast.NotEq), (ast.Is, ast.IsNot), (ast.In, ast.NotIn)),
)
_OTHER: dict[Any, Any] = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])}
"""The operator that replaces each operator in a mutant."""

AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Function:
    """A function or method, with all that is defined in it. `path` is relative to its tree."""

    path: str
    name: str
    node: AnyFunction

    @property
    def meaning(self) -> tuple[str, str]:
        """Return qualified name and syntax tree, without docstrings. Two checkouts have the same
        function where these are equal.
        """
        node = copy.deepcopy(self.node)
        for inner in ast.walk(node):
            if isinstance(inner, AnyFunction | ast.ClassDef) and ast.get_docstring(inner):
                inner.body = inner.body[1:]
        return self.name, ast.dump(node)


@dataclass(frozen=True)
class Change:
    """A small error in a function: the source of `node` becomes `text`.

    `lines` are those of the statement it is in, without the body of a compound one.
    """

    node: ast.expr | ast.stmt
    text: str
    lines: range

    def applied(self, source: str) -> str:
        """Return a file's source with this change."""
        lines = source.encode().splitlines(keepends=True)
        first, last = self.node.lineno - 1, (self.node.end_lineno or 0) - 1
        before = b"".join(lines[:first]) + lines[first][: self.node.col_offset]
        after = lines[last][self.node.end_col_offset :] + b"".join(lines[last + 1 :])
        return (before + self.text.encode() + after).decode()

    def __str__(self) -> str:
        was, becomes = " ".join(ast.unparse(self.node).split()), self.text
        return f"{was[:100]} -> {becomes[:100]}"


@dataclass(frozen=True)
class Mutant:
    """One change of a function that stands unchanged in two trees, as it is in each of them."""

    before: tuple[Function, Change]
    now: tuple[Function, Change]
    index: int

    @property
    def name(self) -> str:
        """Return a name that is this mutant's alone and depends on the older checkout only."""
        function, _ = self.before
        return f"{function.path} {function.name} {self.index}"

    def __str__(self) -> str:
        function, change = self.now
        return f"{function.path}:{change.node.lineno} {function.name}: {change}"


def drawn(before: Path, now: Path, patterns: Iterable[str], seed: int) -> list[Mutant]:
    """Return all mutants of the functions of `before`, in files that match a glob pattern, that
    stand unchanged in `now`, in an order that the seed alone decides.

    A function that has moved is found wherever in the product it is, if in one place alone.
    """
    wanted = list(functions(before, patterns))
    names = {function.name for function in wanted}
    places: dict[tuple[str, str], dict[str, Function]] = {}
    for function in functions(now, [f"{package}/**/*.py" for package in packages(now)]):
        if function.name in names:
            places.setdefault(function.meaning, {})[function.path] = function
    mutants = []
    for was in wanted:
        found = places.get(was.meaning, {})
        here = found.get(was.path) or (next(iter(found.values())) if len(found) == 1 else None)
        if here is not None:
            pairs = zip(changes(was.node), changes(here.node), strict=True)
            mutants += [
                Mutant((was, one), (here, other), index) for index, (one, other) in enumerate(pairs)
            ]
    return sorted(mutants, key=lambda mutant: _lot(mutant, seed))


def _lot(mutant: Mutant, seed: int) -> str:
    """Return what a mutant draws. What others there are does not matter, so that most of those
    drawn stay the same while functions change.
    """
    return hashlib.sha256(f"{seed} {mutant.name}".encode()).hexdigest()


def functions(tree: Path, patterns: Iterable[str]) -> Iterator[Function]:
    """Yield the functions and methods of a tree's files that match a glob pattern, not those
    defined within another one.
    """
    for path in sorted({path for pattern in patterns for path in tree.glob(pattern)}):
        where = path.relative_to(tree).as_posix()
        yield from _functions(where, ast.parse(path.read_text()), "")


def _functions(path: str, parent: ast.Module | ast.ClassDef, prefix: str) -> Iterator[Function]:
    for node in parent.body:
        if isinstance(node, AnyFunction):
            yield Function(path, prefix + node.name, node)
        elif isinstance(node, ast.ClassDef):
            yield from _functions(path, node, f"{prefix}{node.name}.")


def changes(function: AnyFunction) -> Iterator[Change]:
    """Yield every change of a function's body, in an order that its syntax tree alone decides."""
    for statement in function.body:
        yield from _within(statement, range(0))


def _within(node: ast.AST, lines: range) -> Iterator[Change]:
    if isinstance(node, ast.JoinedStr):
        return  # Before Python 3.12 what is in an f-string has no true place.
    if isinstance(node, ast.stmt):
        inner = getattr(node, "body", None)
        last = inner[0].lineno - 1 if inner else node.end_lineno
        lines = range(node.lineno, max(node.lineno, last or 0) + 1)
    if isinstance(node, (ast.expr, ast.stmt)):
        for text in _texts(node):
            yield Change(node, text, lines)
    if isinstance(node, (ast.If, ast.IfExp)) and _worth_negating(node.test):
        yield Change(node.test, _source(ast.UnaryOp(ast.Not(), node.test)), lines)
    for field, value in ast.iter_fields(node):
        if field not in ("annotation", "returns", "decorator_list"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _within(child, lines)


def _texts(node: ast.expr | ast.stmt) -> Iterator[str]:
    """Yield what may stand in the place of an expression or a statement."""
    match node:
        case ast.Compare(left, operators, right):
            for place, operator in enumerate(operators):
                others = [*operators[:place], _OTHER[type(operator)](), *operators[place + 1 :]]
                yield _source(ast.Compare(left, others, right))
        case ast.BoolOp(operator, values):
            yield _source(ast.BoolOp(_OTHER[type(operator)](), values))
        case ast.BinOp(left, ast.Add() | ast.Sub() as operator, right):
            yield _source(ast.BinOp(left, _OTHER[type(operator)](), right))
        case ast.UnaryOp(ast.Not(), operand):
            yield _source(operand)
        case ast.Constant(value=bool() as value):
            yield str(not value)
        case ast.Constant(value=int() as value) if value in (0, 1):
            yield str(1 - value)
        case ast.Return(value=ast.expr() as value) if ast.unparse(value) not in ("None", "False"):
            yield "return None"
        case ast.Expr(value=ast.Constant()):
            pass
        case ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break():
            yield "pass"
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield "pass"


def _source(expression: ast.expr) -> str:
    return f"({ast.unparse(expression)})"


def _worth_negating(test: ast.expr) -> bool:
    """Tell whether `not` before a condition makes another mutant than those it has anyway."""
    match test:
        case ast.UnaryOp(ast.Not()):
            return False
        case ast.Compare(ops=[ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE()]):
            return True
        case ast.Compare(ops=[_]):
            return False
    return True
