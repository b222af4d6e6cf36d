"""How many lines the code has: without blanks, comments and docstrings, and those of docstrings.

A docstring is any string that stands alone as a statement, those below attributes included.
"""

from __future__ import annotations

import argparse
import ast
import io
import sys
import tokenize
import tomllib
from collections import Counter
from pathlib import Path

BESIDE = ("benchmarks", "tests")
"""Packages that are counted too, after the product's total."""

_NO_CODE = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE),
    *(tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER),
}


def packages(tree: Path) -> list[str]:
    """Return the top packages of the product that stands at `tree`: those its wheel has."""
    project = tomllib.loads((tree / "pyproject.toml").read_text())
    return project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def counted(source: str) -> Counter[str]:
    """Return how many lines of `code` and of `docstrings` a file's text has.

    Raises SyntaxError.
    """
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else ():
            match statement:
                case ast.Expr(value=ast.Constant(value=str())):
                    docstrings.update(range(statement.lineno, (statement.end_lineno or 0) + 1))
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NO_CODE:
            code.update(range(token.start[0], token.end[0] + 1))
    return Counter(code=len(code - docstrings), docstrings=len(docstrings))


def by_folder(tree: Path) -> dict[str, Counter[str]]:
    """Return the lines of each top package of a tree, of all of them (`product`) and of what is
    beside it.
    """
    lines = {
        top: sum((counted(path.read_text()) for path in (tree / top).rglob("*.py")), Counter())
        for top in (*packages(tree), *BESIDE)
    }
    product = sum((lines[top] for top in packages(tree)), Counter())
    beside = {top: lines.pop(top) for top in BESIDE}
    return {**lines, "product": product, **beside}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lines", description=__doc__)
    parser.add_argument("--against", type=Path, help="another checkout to compare with")
    options = parser.parse_args()
    now = by_folder(Path(__file__).parents[1])
    before = by_folder(options.against) if options.against else {}

    kinds = ("code", "docstrings")
    compared = "".join(f"{f'{kind} before':>20}{'change':>10}" for kind in kinds if before)
    print(f"{'':18}" + "".join(f"{kind:>12}" for kind in kinds) + compared)
    for top in {**now, **before}:
        here, there = now.get(top, Counter()), before.get(top, Counter())
        print(f"{top:18}" + "".join(f"{here[kind]:12,}" for kind in kinds), end="")
        for kind in kinds if before else ():
            print(f"{there[kind]:20,}{here[kind] - there[kind]:+10,}", end="")
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
