"""How pages are made from the templates beside the code: every text in them is escaped."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def templates(*folders: str) -> Environment:
    """Of `operations`, and of these folders of it. Names come from the vendor: what a template
    shows is escaped, and what it misspells is an error."""
    here = Path(__file__).parent
    return Environment(
        loader=FileSystemLoader([here, *(here / folder for folder in folders)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
