"""The metrics and labels that deploy/alerts.yml and the Grafana dashboard name in their PromQL.

promtool knows the language; this only finds names in it.
"""

import json
import re
import subprocess
from typing import Any

import yaml

from dev.local_stack.environment import PROJECT
from tests.plugin import installed

ALERTS = PROJECT / "deploy" / "alerts.yml"
DASHBOARD = PROJECT / "deploy" / "grafana-dashboard.json"

# What Prometheus adds to each series.
OF_THE_SCRAPE = {"job", "instance"}

Names = dict[str, set[str]]

# Of a database's machine, whose exporter is not ours.
OF_NODE_EXPORTER: Names = {
    "node_filesystem_avail_bytes": {"fstype", "mountpoint"},
    "node_filesystem_size_bytes": {"fstype", "mountpoint"},
}


def promtool(*words: str) -> None:
    done = subprocess.run(
        [installed("promtool"), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def dashboard_expressions() -> list[str]:
    """With a time in place of what Grafana puts there."""
    return [
        target["expr"].replace("$__rate_interval", "5m")
        for panel in panels()
        for target in panel.get("targets", [])
    ]


def names_in(expression: str) -> Names:
    """Metric → the labels that this picks from it or groups it by.

    A grouping is taken to be of every metric of the expression.
    """
    grouped = set(re.findall(r"\w+", " ".join(re.findall(r"\bby \(([^)]*)\)", expression))))
    named: Names = {}
    for metric, labels in re.findall(
        r"\b((?:kyna|node)_\w+|up\b)(?:\{([^}]*)\})?", re.sub(r"\bby \([^)]*\)", "", expression)
    ):
        picked = re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', labels)
        named.setdefault(metric, set(grouped)).update(picked)
    return named
