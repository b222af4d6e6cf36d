"""The dashboard asks for what the metrics have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from operations.metrics import exposition
from touchline.health import Kind

DASHBOARD = Path(__file__).parents[2] / "docs" / "grafana.json"


def asked() -> Iterator[str]:
    """Every query of the dashboard."""
    dashboard: dict[str, Any] = json.loads(DASHBOARD.read_text())
    for panel in dashboard["panels"]:
        assert panel["datasource"]["uid"] == "${source}", "which whoever imports it chooses"
        yield from (target["expr"] for target in panel["targets"])


def test_the_dashboard_shows_every_metric_and_no_other() -> None:
    known = set(re.findall(r"^# TYPE (\S+)", exposition([]), re.MULTILINE))
    assert {name for query in asked() for name in re.findall(r"touchline_\w+", query)} == known


def test_its_labels_are_those_of_the_signals() -> None:
    labels = [found for query in asked() for found in re.findall(r'(\w+)="([^"]*)"', query)]
    assert {name for name, _ in labels} == {"kind"}
    assert {kind for _, kind in labels} == set(Kind)
