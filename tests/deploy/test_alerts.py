"""deploy/alerts.yml and the Grafana dashboard: their form, and when each alert comes.

That the metrics they name exist is held where all servers run, in tests/workers.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from dev.local_stack.environment import PROJECT
from tests.deploy.promql import ALERTS, dashboard_expressions, promtool, rules

# Of samples, one a minute: until the alert that waits longest has come, after five hours, and for
# what comes within the first hour.
MINUTES, SHORT = 330, 75
API = 'job="kynaplatform-web",instance="a:8000"'
PAGES = 'job="kynaplatform-pages",instance="a:8003"'
STREAM = 'job="kynaplatform-realtime",instance="a:8001"'
WORKER = 'job="kynaplatform-worker",instance="a:8002"'
SENDER = 'job="kynaplatform-webhooks",instance="a:8012"'
EXPORTER = 'job="kynaplatform-database",instance="a:9100"'
DISK = 'job="kynaplatform-database",mountpoint="/",fstype="ext4"'
OF_PACKAGE = 'job="kynaplatform-database",mountpoint="/snap/x",fstype="squashfs"'
CREATES = f'kyna_http_request_seconds_bucket{{{API},route="api/detection/sessions"'
CLEANING = "sessions_app.tasks.prune_expired"
SWEPT = f"kyna_sweep_last_run_timestamp_seconds{{{API}}}"
# Series → its value, or what it grows by each minute.
HEALTHY: dict[str, float | str] = {
    f"up{{{API}}}": 1,
    f"up{{{PAGES}}}": 1,
    f"up{{{STREAM}}}": 1,
    f"up{{{WORKER}}}": 1,
    f"up{{{SENDER}}}": 1,
    f"up{{{EXPORTER}}}": 1,
    f'kyna_check_ok{{{API},check="database"}}': 1,
    f'kyna_check_ok{{{API},check="broker"}}': 1,
    f'kyna_check_ok{{{API},check="peppers"}}': 1,
    f"kyna_clock_skew_seconds{{{API}}}": 0.9,
    f'kyna_process_resident_memory_bytes{{{API},process="1"}}': 9e8,
    f"kyna_process_cpu_seconds_total{{{STREAM}}}": "+48",
    f'kyna_build_info{{{API},version="1.0.0",revision="a"}}': 1,
    f'kyna_build_info{{{WORKER},version="1.0.0",revision="a"}}': 1,
    f"kyna_disk_bytes{{{API}}}": 1000,
    f"kyna_disk_free_bytes{{{API}}}": 101,
    f"node_filesystem_size_bytes{{{DISK}}}": 1000,
    f"node_filesystem_avail_bytes{{{DISK}}}": 101,
    # As each is, whose files are made with it.
    f"node_filesystem_size_bytes{{{OF_PACKAGE}}}": 1000,
    f"node_filesystem_avail_bytes{{{OF_PACKAGE}}}": 0,
    f"kyna_wal_retained_bytes{{{API}}}": 4.9e9,
    f"kyna_wal_unarchived_seconds{{{API}}}": 890,
    f"kyna_backup_last_timestamp_seconds{{{API}}}": "+60",
    f"kyna_erasures_pending_seconds{{{API}}}": 86_400,
    f"kyna_erasures_unexported_seconds{{{API}}}": 599,
    f"kyna_erasures_exported_timestamp_seconds{{{API}}}": "+60",
    f'kyna_http_requests_total{{{API},method="GET",route="api/x",status="200"}}': "+600",
    f'kyna_http_requests_total{{{API},method="GET",route="api/x",status="500"}}': "+3",
    f'kyna_http_requests_total{{{API},method="GET",route="readyz",status="503"}}': "+60",
    f'{CREATES},le="0.25"}}': "+600",
    f'{CREATES},le="1.0"}}': "+600",
    f'{CREATES},le="+Inf"}}': "+600",
    f"kyna_rate_limit_fallbacks_total{{{API}}}": 0,
    f'kyna_sessions_ended_total{{{API},outcome="completed",error_code=""}}': "+60",
    f'kyna_sessions_ended_total{{{WORKER},outcome="expired",error_code="session_expired"}}': "+90",
    f'kyna_sessions_ended_total{{{WORKER},outcome="abandoned",error_code="x"}}': "+6",
    f'kyna_sessions_ended_total{{{STREAM},outcome="failed",error_code="runtime_error"}}': 0,
    f'kyna_sessions_live{{{API},status="streaming"}}': 600,
    f"kyna_sessions_unreadable{{{API}}}": 0,
    f"kyna_sweep_lag_seconds{{{API}}}": 20,
    f"kyna_webhook_turn_timestamp_seconds{{{SENDER}}}": "+60",
    # A worker of other queues has it too, and sends nothing.
    f"kyna_webhook_turn_timestamp_seconds{{{WORKER}}}": 0,
    # Of one slow receiver, however few others there are.
    f'kyna_webhook_organizations{{{API},state="late"}}': 1,
    f'kyna_webhook_organizations{{{API},state="active"}}': 1,
    f'kyna_webhook_organizations{{{API},state="held_up"}}': 0,
    f'kyna_webhook_tries_total{{{SENDER},outcome="delivered"}}': "+60",
    f'kyna_webhook_tries_total{{{SENDER},outcome="failed"}}': "+50",
    f'kyna_stream_attaches_total{{{STREAM},outcome="attached"}}': "+60",
    f'kyna_stream_attaches_total{{{STREAM},outcome="refused"}}': "+6",
    f'kyna_stream_checkpoint_seconds_bucket{{{STREAM},le="0.25"}}': "+600",
    f'kyna_stream_checkpoint_seconds_bucket{{{STREAM},le="1.0"}}': "+600",
    f'kyna_stream_checkpoint_seconds_bucket{{{STREAM},le="+Inf"}}': "+600",
    SWEPT: "+60",
    f'kyna_task_last_run_timestamp_seconds{{{API},task="{CLEANING}"}}': "+60",
    f"kyna_beat_last_sent_timestamp_seconds{{{WORKER}}}": "+60",
    f'kyna_task_runs_total{{{WORKER},task="{CLEANING}",outcome="failure"}}': 0,
}  # fmt: skip
# Alert → what makes it come: the start of a series' name, and what that is instead.
FAULTS: dict[str, dict[str, float | str]] = {
    "KynaNoApi": {f"up{{{API}": 0},
    "KynaNoPages": {f"up{{{PAGES}": 0},
    "KynaNoRuntime": {f"up{{{STREAM}": 0},
    "KynaNoWorker": {f"up{{{WORKER}": 0},
    "KynaNoSender": {f"up{{{SENDER}": 0},
    "KynaSenderFails": {f"kyna_webhook_turn_timestamp_seconds{{{SENDER}": 0},
    "KynaServerDown": {'up{job="kynaplatform-web",instance="b:8000"}': 0},
    "KynaDatabaseDown": {f'kyna_check_ok{{{API},check="database"': 0},
    "KynaCheckFails": {f'kyna_check_ok{{{API},check="peppers"': 0},
    "KynaCheckWarns": {f'kyna_check_ok{{{API},check="broker"': 0},
    "KynaClockSkew": {"kyna_clock_skew_seconds": -1.1},
    "KynaMemory": {"kyna_process_resident": 1.1e9},
    "KynaRuntimeBusy": {"kyna_process_cpu": "+57"},
    "KynaDiskFull": {"kyna_disk_free": 99},
    "KynaDatabaseDiskFull": {f"node_filesystem_avail_bytes{{{DISK}": 99},
    "KynaWalKept": {"kyna_wal_retained": 5.1e9},
    "KynaWalNotArchived": {"kyna_wal_unarchived": 901},
    "KynaBackupOld": {"kyna_backup_last": -93_600},
    "KynaErasureStuck": {"kyna_erasures_pending": 86_401},
    "KynaErasuresNotExported": {"kyna_erasures_unexported": 601},
    "KynaVersionsDiffer": {'kyna_build_info{instance="b:8000",version="1.0.0",revision="b"}': 1},
    "KynaErrors": {
        f'kyna_http_requests_total{{{API},method="GET",route="api/x",status="500"': "+7"
    },
    "KynaManyRequestsFail": {
        f'kyna_http_requests_total{{{API},method="GET",route="api/x",status="500"': "+200"
    },
    "KynaCreateSlow": {f'{CREATES},le="0.25"': "+500"},
    "KynaCountedAlone": {"kyna_rate_limit_fallbacks": "+1"},
    "KynaSessionsFail": {f'kyna_sessions_ended_total{{{STREAM},outcome="failed"': "+0.2"},
    # However many are completed meanwhile.
    "KynaSessionsAbandoned": {
        f'kyna_sessions_ended_total{{{WORKER},outcome="abandoned"': "+9",
        f'kyna_sessions_ended_total{{{API},outcome="completed"': "+6000",
    },
    "KynaSessionsUnreadable": {"kyna_sessions_unreadable": 1},
    "KynaSweepLate": {"kyna_sweep_lag": 121},
    "KynaWebhooksLate": {
        f'kyna_webhook_organizations{{{API},state="late"': 6,
        f'kyna_webhook_organizations{{{API},state="active"': 11,
    },
    "KynaWebhooksFail": {f'kyna_webhook_tries_total{{{SENDER},outcome="failed"': "+70"},
    "KynaAttachesRefused": {f'kyna_stream_attaches_total{{{STREAM},outcome="refused"': "+20"},
    "KynaCheckpointSlow": {f'kyna_stream_checkpoint_seconds_bucket{{{STREAM},le="0.25"': "+500"},
    "KynaSweepNotRun": {SWEPT: 1},
    "KynaCleaningNotRun": {f'kyna_task_last_run_timestamp_seconds{{{API},task="{CLEANING}"': 0},
    "KynaBeatLate": {"kyna_beat_last_sent": 0},
    "KynaTasksFail": {"kyna_task_runs": "+0.2"},
}


def scenario(
    name: str, series: dict[str, float | str], firing: list[str], minutes: int = SHORT
) -> dict[str, Any]:
    """At its end, exactly the alerts `firing` are there."""
    return {
        "name": name,
        "interval": "1m",
        "input_series": [
            {
                "series": known,
                "values": f"{f'0{value}' if isinstance(value, str) else value}x{minutes}",
            }
            for known, value in series.items()
        ],
        "promql_expr_test": [
            {
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"}) > bool 0',
                "eval_time": f"{minutes}m",
                "exp_samples": [
                    {"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in firing
                ],
            }
        ],
    }


def check_rules(folder: Path, scenarios: list[dict[str, Any]], **options: str) -> None:
    tests = folder / "tests.yml"
    text = yaml.safe_dump({"rule_files": [str(ALERTS)], "tests": scenarios, **options})
    tests.write_text(text)
    promtool("test", "rules", str(tests))


def with_faults(*alerts: str) -> dict[str, float | str]:
    """The series when these alerts have their faults."""
    series = dict(HEALTHY)
    for alert in alerts:
        for start, value in FAULTS[alert].items():
            series[next((known for known in HEALTHY if known.startswith(start)), start)] = value
    return series


def with_values(name: str, values: dict[str, str], firing: list[str]) -> dict[str, Any]:
    """What is healthy, but for the samples of the series that begin so."""
    made = scenario(name, HEALTHY, firing, MINUTES)
    for start, samples in values.items():
        [one] = [one for one in made["input_series"] if one["series"].startswith(start)]
        one["values"] = samples
    return made


def few_webhooks(name: str, firing: list[str], **states: int) -> dict[str, Any]:
    """With webhooks of few organizations, by their state."""
    of = {f'kyna_webhook_organizations{{{API},state="{one}"}}': n for one, n in states.items()}
    return scenario(name, HEALTHY | of, firing)


def test_each_alert_comes_of_its_fault_and_none_just_below(tmp_path: Path) -> None:
    alerts = [rule["alert"] for rule in rules()]
    assert sorted(FAULTS) == sorted(alerts)
    exported = f"kyna_erasures_exported_timestamp_seconds{{{API}}}"
    never = {**HEALTHY, exported: 0}
    unexported = f"kyna_erasures_unexported_seconds{{{API}}}"
    away = [alert for alert in alerts if alert.startswith("KynaNo")]
    assert len(away) == 5
    hours = MINUTES // 60 + 1
    task = "kyna_task_last_run_timestamp_seconds"
    scenarios = [
        scenario("faulty", with_faults(*alerts), alerts, MINUTES),
        scenario("never exported", {**never, unexported: 1}, ["KynaErasuresNotExported"]),
        scenario("never exported, nothing erased", {**never, unexported: 0}, []),
        scenario("no exporter", {**HEALTHY, f"up{{{EXPORTER}}}": 0}, ["KynaServerDown"]),
        # One kind of server is not there, and all others are.
        *(scenario(alert, with_faults(alert), [alert, "KynaServerDown"]) for alert in away),
        # Workers restart each hour: the database knows the last runs, and counters begin anew.
        with_values(
            "restarted each hour",
            {
                task: " ".join(f"{hour * 3600}x59" for hour in range(hours)),
                "kyna_task_runs": " ".join(["1x57 _ _"] * hours),
                f"up{{{WORKER}": " ".join(["1x57 _ _"] * hours),
            },
            [],
        ),
        # A sender ends itself again and again, so each second scrape finds nobody.
        with_values(
            "again and again",
            {f"kyna_webhook_turn_timestamp_seconds{{{SENDER}": "0+60x9 " + "0 _ " * (MINUTES // 2)},
            ["KynaSenderFails"],
        ),
        few_webhooks("one of two", ["KynaWebhooksLate"], active=2, late=1, held_up=1),
        few_webhooks("one of three", [], active=3, late=1, held_up=1),
        few_webhooks("the only one, whose receiver is slow", [], active=1, late=1, held_up=0),
        # As by this machine's way out.
        few_webhooks("two slow receivers", ["KynaWebhooksLate"], active=2, late=2, held_up=0),
    ]
    check_rules(tmp_path, scenarios)


def test_a_sweep_that_stands_still_is_told_of_after_30_s(tmp_path: Path) -> None:
    """Two workers sweep each 5 s, in vain from the tenth minute on."""
    stands = scenario("stands still", {}, [])
    stands["interval"] = "5s"
    stands["input_series"] = [{"series": SWEPT, "values": "0+5x120 600x20"}]
    [asked] = stands["promql_expr_test"]
    expr = 'count by (alertname) (ALERTS{alertname="KynaSweepNotRun"})'
    told = [{"labels": '{alertname="KynaSweepNotRun"}', "value": 1}]
    stands["promql_expr_test"] = [
        asked | {"expr": expr, "eval_time": at, "exp_samples": samples}
        for at, samples in (("600s", []), ("630s", []), ("635s", told))
    ]
    check_rules(tmp_path, [stands], evaluation_interval="5s")


def test_the_page_has_each_alert_in_order_the_critical_ones_bold() -> None:
    page = (PROJECT / "docs" / "operations.md").read_text()
    told = re.findall(r"^\| (\**)`(Kyna\w+)`\1 \|", page, re.MULTILINE)
    severities = {"**": "critical", "": "warning"}
    assert [(name, severities[mark]) for mark, name in told] == [
        (rule["alert"], rule["labels"]["severity"]) for rule in rules()
    ]


def test_the_dashboard_asks_what_prometheus_understands(tmp_path: Path) -> None:
    records = [
        {"record": f"panel_{number}", "expr": expression}
        for number, expression in enumerate(dashboard_expressions())
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": records}]}))
    promtool("check", "rules", str(file))
