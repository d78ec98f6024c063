"""The processes of the platform, asked as Prometheus asks them: what each says of itself."""

import http.client
import json
import sys
from collections.abc import Iterable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import yaml
from django.conf import settings
from django.core.management.base import CommandError
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from kynaplatform.metrics.readiness import DOWN, FULL, MISSING, OK

ANSWER_SECONDS: Final = 5.0
# Of what `/readyz` tells beside the name of the engine.
BAD: Final = (DOWN, FULL, MISSING)
TARGETS: Final = ("deploy/targets.yml", "deploy/targets-local.yml")
# As `KynaDiskFull`.
MIN_FREE_SHARE: Final = 0.1

Samples = dict[str, list[tuple[dict[str, str], float]]]


@dataclass
class Process:
    """A process that was asked; `state` is `ok`, or what is wrong with it.

    `disk` is what is wrong with its disk, empty where nothing is.
    """

    job: str
    address: str
    state: str = DOWN
    version: str = ""
    revision: str = ""
    disk: str = ""


def targets_of(path: str | None) -> list[tuple[str, str]]:
    """The job and the address of each process. Raises CommandError for what is no such file."""
    if path is None and not settings.PRODUCTION:
        return targets_of_development()
    if path is None:
        there = [settings.BASE_DIR / one for one in TARGETS if (settings.BASE_DIR / one).exists()]
        if not there:
            raise CommandError("Give --targets: there is no file of them beside the code.")
        path = str(there[0])
    try:
        with nullcontext(sys.stdin) if path == "-" else open(path, encoding="utf-8") as file:
            return [
                (group["labels"]["job"].removeprefix("kynaplatform-"), address)
                for group in yaml.safe_load(file)
                for address in group["targets"]
            ]
    except (OSError, ValueError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise CommandError(f"--targets: {error!r}") from None


def targets_of_development() -> list[tuple[str, str]]:
    """Those of the `make run` that was started last, on whatever ports it was."""
    with suppress(OSError, ValueError, KeyError):
        demo = json.loads((Path(settings.DATA_DIR) / "demo.json").read_text(encoding="utf-8"))
        urls = {"web": demo["base_url"], "realtime": demo["stream_url"]}
        return [(job, urlsplit(url).netloc) for job, url in urls.items()]
    ports = {"web": settings.PORT, "realtime": settings.REALTIME_PORT}
    return [(job, f"127.0.0.1:{port}") for job, port in ports.items()]


def ask(job: str, address: str) -> tuple[Process, Samples]:
    """A process and its metrics, as far as it answers."""
    process, samples = Process(job, address), Samples()
    try:
        status, body = get(address, "/readyz")
        if status == http.HTTPStatus.NOT_FOUND:  # a worker is ready once it is there
            status, body = get(address, "/healthz")
        process.state = OK if status == http.HTTPStatus.OK else unready_words(status, body)
        status, body = get(address, "/metrics")
    except (OSError, http.client.HTTPException) as error:
        # One that is ready may still have no time for its metrics.
        if process.state == DOWN:
            process.state = f"{DOWN} ({type(error).__name__})"
        return process, samples
    if status == http.HTTPStatus.OK:
        with suppress(ValueError):  # another program has the port
            samples = samples_of(text_string_to_metric_families(body.decode()))
        process.disk = disk_fault(samples)
        for labels, _ in samples.get("kyna_build_info", ()):
            process.version, process.revision = labels["version"], labels["revision"]
    return process, samples


def disk_fault(samples: Samples) -> str:
    """As `KynaDiskFull`."""
    free, size = (
        sum(value for _, value in samples.get(name, ()))
        for name in ("kyna_disk_free_bytes", "kyna_disk_bytes")
    )
    return f"{free / size:.0%} of its disk is free" if free < MIN_FREE_SHARE * size else ""


def get(address: str, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address, timeout=ANSWER_SECONDS)
    try:
        token = f"Bearer {settings.METRICS_TOKEN}"
        connection.request("GET", path, headers={"Authorization": token})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def unready_words(status: int, body: bytes) -> str:
    """What `/readyz` says is wrong: `database down`."""
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        states: dict[str, str] = json.loads(body)["error"]["details"]
        wrong = [f"{name} {state}" for name, state in states.items() if state in BAD]
        if wrong:
            return ", ".join(wrong)
    return f"answers {status}"


def samples_of(metrics: Iterable[Metric]) -> Samples:
    samples = Samples()
    for metric in metrics:
        for sample in metric.samples:
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return samples
