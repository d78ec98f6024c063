"""What the metrics tell of a server as a whole: its version, and what its processes take"""

import urllib.request

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from kynaplatform import __version__
from tests.server import web_server
from tests.waiting import DEADLINE_SECONDS


@pytest.fixture
def url(db, tmp_path):
    """Of an API of two processes."""
    shared = tmp_path / "metrics"
    shared.mkdir()
    environment = {
        "PROMETHEUS_MULTIPROC_DIR": str(shared),
        "BUILD_REVISION": "4f1c2d7",
        "METRICS_TOKEN": "",
    }
    with web_server(tmp_path, workers=2, environment=environment) as url:
        yield url


def told(url):
    with urllib.request.urlopen(f"{url}/metrics", timeout=DEADLINE_SECONDS) as answer:  # noqa: S310
        families = text_string_to_metric_families(answer.read().decode())
        return {family.name: family.samples for family in families}


def sizes(url):
    samples = told(url)["kyna_process_resident_memory_bytes"]
    return {sample.labels["process"]: sample.value for sample in samples}


def cpu_seconds(url):
    [sample] = told(url)["kyna_process_cpu_seconds"]
    return sample.value


def serving(url):
    """The processes that the one that was started has forked."""
    port = url.rpartition(":")[2]
    processes = list(psutil.process_iter(["ppid", "cmdline"]))
    command_of = {process.pid: process.info["cmdline"] for process in processes}
    return [
        process
        for process in processes
        if port in (process.info["cmdline"] or ())
        and command_of.get(process.info["ppid"]) == process.info["cmdline"]
    ]


def test_its_version_the_memory_of_each_process_and_the_processor_time_of_all(url):
    [build] = told(url)["kyna_build_info"]
    assert build.labels == {"version": __version__, "revision": "4f1c2d7", "engine": "python"}
    assert build.value == 1
    found = serving(url)
    assert len(found) == 2
    told_sizes = sizes(url)
    assert sorted(told_sizes) == ["1", "2", "main"]
    for process, number in zip(sorted(found, key=lambda one: one.pid), ("1", "2"), strict=True):
        rss = process.memory_info().rss
        assert abs(told_sizes[number] - rss) < 0.2 * rss
    main = found[0].parent()

    def taken():
        return sum(sum(one.cpu_times()[:2]) for one in [main, *found])

    # Of others that have ended the first process has a little more.
    before = taken()
    between = cpu_seconds(url)
    assert before - 0.5 < between < taken() + sum(main.cpu_times()[2:4]) + 0.5
