"""The metrics and labels that deploy/alerts.yml and the Grafana dashboard name in their PromQL.

promtool knows the language; this only finds names in it, and refuses a word that it can't place.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import yaml

from dev.local_stack.environment import PROJECT
from tests.plugin import installed

ALERTS = PROJECT / "deploy" / "alerts.yml"
DASHBOARD = PROJECT / "deploy" / "grafana-dashboard.json"

TOKEN = re.compile(
    r"""\s+ | (?P<string>"(?:[^"\\]|\\.)*") | (?P<number>\d[\w.]*) | (?P<range>\[[^\]]*\])
    | (?P<word>[A-Za-z_:][\w:]*) | (?P<sign>=~|!~|!=|==|>=|<=|[-+*/%^<>=(){},])""",
    re.VERBOSE,
)
FUNCTIONS = {"abs", "absent", "histogram_quantile", "increase", "max_over_time", "rate", "time"}
AGGREGATIONS = {"count", "max", "min", "sum", "topk"}
OPERATORS = {"and", "or", "unless"}
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
    """Metric → the labels that this picks from it or groups it by; ValueError for what is unknown.

    A grouping is taken to be of every metric of the expression.
    """
    words = [*tokens(expression), ("end", "")]
    named: Names = {}
    grouped: set[str] = set()
    place = 0
    while (kind := words[place][0]) != "end":
        text, following = words[place][1], words[place + 1][1]
        place += 1
        if kind != "word" or text in OPERATORS:
            continue
        if text in AGGREGATIONS or (text in FUNCTIONS and following == "("):
            continue
        if text == "by":
            place, labels = labels_until(")", words, place)
            grouped |= labels
        elif following == "{":
            place, labels = labels_until("}", words, place)
            named.setdefault(text, set()).update(labels)
        elif following == "(":
            raise ValueError(f"What is {text} in {expression!r}?")
        else:
            named.setdefault(text, set())
    return {metric: labels | grouped for metric, labels in named.items()}


def tokens(expression: str) -> Iterator[tuple[str, str]]:
    place = 0
    while place < len(expression):
        found = TOKEN.match(expression, place)
        if found is None:
            raise ValueError(f"Not known: {expression[place:]!r}")
        if found.lastgroup is not None:
            yield found.lastgroup, found[0]
        place = found.end()


def labels_until(end: str, words: list[tuple[str, str]], place: int) -> tuple[int, set[str]]:
    labels = set()
    while words[place] != ("sign", end):
        kind, text = words[place]
        if kind == "end":
            raise ValueError(f"No {end} follows.")
        if kind == "word":
            labels.add(text)
        place += 1
    return place + 1, labels
