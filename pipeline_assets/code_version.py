"""The version of the code that decides: a hash over syntax trees, not over texts or commits.

It covers a module and, through its first-party imports, everything that it uses; comments,
docstrings and layout do not count. Modules of other stages are not followed: what they make is this
stage's input and has a version of its own, so a changed rule changes the version of the stages that
use it and of no other.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from touchline.stage import Stage

FIRST_PARTY = ("touchline", "pipeline_assets")


def version_of(stage: Stage[Any], stage_modules: frozenset[str]) -> str:
    """The version of a stage among those that these modules make."""
    modules = frozenset({stage.module, *stage.rules_in})
    return code_version(stage.module, stage_modules - modules, modules)


@functools.cache
def code_version(
    module: str, inputs: frozenset[str] = frozenset(), beside: frozenset[str] = frozenset()
) -> str:
    """16 hexadecimal characters for this module and those `beside` it; `inputs` are the modules of
    other stages."""
    trees = {}
    waiting = sorted({module, *beside})
    while waiting:
        name = waiting.pop()
        if name in trees:
            continue
        trees[name], imported = _tree(name)
        waiting += [other for other in imported if other not in inputs]
    text = "\n".join(f"{name}: {tree}" for name, tree in sorted(trees.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@functools.cache
def _tree(module: str) -> tuple[str, tuple[str, ...]]:
    """A module's syntax tree as text, and the first-party modules that it imports."""
    tree = ast.parse(_source(module).read_bytes())
    blocks = list(_blocks(tree))
    for node in blocks:
        if isinstance(body := getattr(node, "body", None), list):
            node.body = [s for s in body if not _is_text(s)]  # type: ignore[attr-defined]
    imported = tuple(_imports(module, blocks))
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), imported


def _blocks(node: ast.AST) -> Iterator[ast.AST]:
    """The module, its statements and what holds statements in them. Expressions, most of a tree,
    hold none: `ast.walk` would take most of the time that definitions take to load."""
    yield node
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        if isinstance(held := getattr(node, name, None), list):
            for each in held:
                yield from _blocks(each)


def _is_text(statement: ast.AST) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _imports(module: str, nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            candidates = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            named = "." * node.level + (node.module or "")
            source = importlib.util.resolve_name(named, _package_of(module))
            candidates = [f"{source}.{alias.name}" for alias in node.names]
        else:
            continue
        for candidate in candidates:
            if candidate.partition(".")[0] in FIRST_PARTY:
                found = _module_of(candidate)
                if found and found != module:
                    yield found


@functools.cache
def _module_of(dotted: str) -> str | None:
    """The module itself, or the one that holds the imported name."""
    for name in (dotted, dotted.rpartition(".")[0]):
        try:
            spec = importlib.util.find_spec(name) if name else None
        except ModuleNotFoundError:
            continue
        if spec and spec.origin:
            return name
    return None


def _package_of(module: str) -> str:
    spec = importlib.util.find_spec(module)
    return spec.parent or "" if spec else ""


def _source(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise LookupError(f"no source for module {module}")
    return Path(spec.origin)
