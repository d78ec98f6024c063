"""Each block of README and docs is run by a test, or says here why it is not."""

import ast
import re
from collections import Counter

from dev.local_stack.environment import PROJECT
from dev.tools import course
from tests.documented import Block, blocks, pages

FIRST_HOUR = "tests/local_stack/test_documented_commands.py"
STREAM = "tests/realtime/test_streaming_docs.py"
PACKAGE = "tests/web/test_package.py"
WEBHOOKS = "tests/webhooks/test_webhook_docs.py"
MOVESPECS = "tests/detection/test_movespec_docs.py"
COURSE = "tests/guides/test_course.py"
# The tests that run blocks: by page, what tells a block from the others of the page.
TESTS: dict[tuple[str, str], dict[str, list[str]]] = {
    (FIRST_HOUR, "running"): {"README.md": ["make run"]},
    (FIRST_HOUR, "test_a_second_try_creates_a_second_session"): {
        "README.md": ["Idempotency-Key", '"session_id"']
    },
    (FIRST_HOUR, "test_a_movespec_is_validated_and_replayed_without_a_platform"): {
        "README.md": ['CMD="validate']
    },
    (FIRST_HOUR, "test_a_recording_is_streamed"): {
        "README.md": ['CMD="stream'],
        "docs/recordings.md": ['CMD="stream'],
    },
    (FIRST_HOUR, "test_the_api_is_used_from_yaml_to_a_session"): {
        "docs/api.md": [
            "TOKEN=",
            "api()",
            '"release": true',
            "$EVENTS",
            "/usage?from",
            "/subjects/summary",
            "subjects/erase",
        ]
    },
    ("tests/reference/test_examples.py", "test_the_program_of_the_guide_exports_all"): {
        "docs/api.md": ["sessions.jsonl"]
    },
    ("tests/sessions_app/test_subject_summary.py", "test_the_page_has_an_answer_as_it_is_sent"): {
        "docs/api.md": ['"event_key": "squat", "sessions"']
    },
    ("tests/realtime/test_restore.py", "test_a_dump_taken_while_sessions_stream_is_restored"): {
        "docs/backup.md": [
            "pg_dump --format",
            "pg_restore --dbname",
            "exec -T postgres pg_dump",
            "exec -T postgres pg_restore",
        ]
    },
    (
        "tests/erasure/test_after_a_restore.py",
        "test_what_an_older_dump_brings_back_is_erased_again",
    ): {"docs/backup.md": ["export_erasures", "apply_erasures"]},
    (
        "tests/webhooks/test_pause.py",
        "test_a_restored_database_sends_nothing_until_it_is_told_to",
    ): {"docs/backup.md": ["resume_webhooks"]},
    ("tests/erasure/test_after_a_restore.py", "test_the_file_is_trimmed_while_exports_wait"): {
        "docs/backup.md": ["flock 9"]
    },
    ("tests/deploy/test_point_in_time.py", "test_it_goes_back_to_the_moment_before_a_mistake"): {
        "docs/backup.md": ["ALTER SYSTEM SET", "pg_basebackup", "recovery.signal"]
    },
    (
        "tests/deploy/test_operators_pages.py",
        "test_a_dump_before_an_upgrade_is_that_of_every_day",
    ): {"docs/upgrades.md": ["pg_dump"]},
    ("tests/deploy/test_release_commands.py", "test_it_installs"): {
        "docs/upgrades.md": ["git show origin/main"]
    },
    (
        "tests/deploy/test_unit_environment.py",
        "test_each_unit_has_its_own_database_role_and_the_revision",
    ): {"docs/capacity.md": ["--new-passwords > roles"], "docs/operations.md": ["CREATE ROLE"]},
    (
        "tests/realtime/test_database_roles.py",
        "test_create_stream_and_sweep_go_through_pgbouncer_in_transaction_mode",
    ): {"docs/capacity.md": ["pool_mode"]},
    ("tests/detection/test_engine_docs.py", "test_the_program_of_the_reference_runs"): {
        "docs/engine.md": ["import detection"]
    },
    (PACKAGE, "test_a_page_of_one_s_own_counts"): {
        "docs/integrators.md": ["createServer", "npm pack"]
    },
    (MOVESPECS, "test_the_example_of_the_reference_has_no_issues"): {
        "docs/movespec.md": ["name: squat  "]
    },
    (MOVESPECS, "test_the_example_of_a_role_is_one_of_the_squat_s"): {
        "docs/movespec.md": ['"role": "condition"']
    },
    (FIRST_HOUR, "test_a_page_of_the_course_is_tried"): {
        "docs/movespec/try-it.md": ["--explain --plot"]
    },
    (COURSE, "test_the_checks_of_an_attempt_are_as_the_page_says"): {
        "docs/movespec/checks.md": ['"met"']
    },
    ("tests/deploy/test_production_set.py", "test_the_production_set_serves_sessions"): {
        "docs/operations.md": ["bootstrap_project"]
    },
    ("tests/admin/test_command_line.py", "test_the_page_is_right"): {
        "docs/operations.md": ["revoke_credential"]
    },
    (
        "tests/replay/test_perform.py",
        "test_the_commands_of_the_first_page_print_what_stands_below_them",
    ): {"docs/movespec/first-movement.md": ["perform squat"]},
    ("tests/deploy/test_prometheus.py", "test_prometheus_takes_the_job_of_a_database"): {
        "docs/operations.md": ["job_name"]
    },
    (FIRST_HOUR, "test_recordings_are_written_and_replayed_without_a_platform"): {
        "docs/recordings.md": ["--plot squat.png"]
    },
    ("tests/replay/test_perform.py", "test_the_movement_of_the_page_is_performed"): {
        "docs/recordings.md": ["name: good-morning"]
    },
    (FIRST_HOUR, "test_a_movement_of_one_s_own_is_performed"): {
        "docs/recordings.md": ['CMD="perform good-morning.yaml good']
    },
    (FIRST_HOUR, "test_a_recording_of_one_s_own_is_replayed"): {
        "docs/recordings.md": ["import gzip"]
    },
    (FIRST_HOUR, "test_start_counts_squats"): {
        "docs/start.md": [". .data/demo.env", "def listen", ".venv/bin/python count.py\n"]
    },
    (FIRST_HOUR, "test_start_counts_a_movement_of_one_s_own"): {
        "docs/start.md": ["name: arms-up\nversion", "Arms up", "VERSION=$", "FIGURE=front-raise"]
    },
    (PACKAGE, "test_the_program_of_start_counts_squats"): {"docs/start.md": ["createStream"]},
    ("tests/api/test_request_limits.py", "test_the_page_has_the_answer_of_a_full_limit"): {
        "docs/api.md": ['"limit_name"']
    },
    (
        "tests/realtime/test_session_summary.py",
        "test_the_page_has_a_quality_as_it_is_sent_and_every_reason",
    ): {"docs/api.md": ['{"quality"']},
    ("tests/sessions_app/test_session_contexts.py", "test_the_page_has_a_create_with_a_context"): {
        "docs/api.md": ['"subject": "p_4711"']
    },
    ("tests/usage/test_usage_api.py", "test_the_page_has_an_answer_as_it_is_sent"): {
        "docs/api.md": ['"live_frames"']
    },
    (STREAM, "test_what_the_page_has_a_client_send_is_understood"): {
        "docs/streaming.md": ['{"type": "finalize"}\n{']
    },
    (STREAM, "test_what_the_page_has_the_server_say_is_understood"): {
        "docs/streaming.md": ['{"type": "session_update"', '{"event_id"']
    },
    (FIRST_HOUR, "test_the_client_in_python_streams_to_a_created_session"): {
        "docs/streaming.md": ["client.py squat"]
    },
    (WEBHOOKS, "test_the_receiver_with_django_runs_as_pasted"): {
        "docs/webhooks.md": ["from django.conf"]
    },
    (WEBHOOKS, "test_the_receiver_with_fastapi_runs_as_pasted"): {
        "docs/webhooks.md": ["from fastapi"]
    },
    (WEBHOOKS, "test_the_receiver_with_express_runs_as_pasted"): {
        "docs/webhooks.md": ["import express"]
    },
    (WEBHOOKS, "test_a_message_of_the_page_has_the_fields_of_one"): {
        "docs/webhooks.md": ['"sequence": 2']
    },
    (WEBHOOKS, "test_the_commands_of_the_page_make_a_webhook_and_test_it"): {
        "docs/webhooks.md": ['"$RECEIVER_URL"', "$WEBHOOK_ID/test"]
    },
    (STREAM, "test_the_client_in_python_works"): {"docs/streaming.md": ["def follow"]},
    (PACKAGE, "test_a_program_in_node_counts_squats"): {"docs/streaming.md": ['from "ws"']},
}
RUN: dict[tuple[str, str], tuple[str, str]] = {
    **{
        (page, mark): test
        for test, by_page in TESTS.items()
        for page, marks in by_page.items()
        for mark in marks
    },
    # The MoveSpecs of the course.
    **{
        (f"docs/movespec/{page.name}", spec): (COURSE, "test_a_page_is_what_is_counted_today")
        for page in course.pages()
        for spec in course.specs(page)
    },
}
ON_A_SERVER = (
    "It changes a machine as root, by systemd. `make faults` upgrades and goes back on one, and "
    "test_release_commands.py below a folder."
)
BY_DOCKER = (
    "It builds and replaces images, by docker. Its services are held by test_operators_pages.py, "
    "and its steps by test_upgrades.py."
)
OF_AN_EDITOR = "A setting of an editor, with the address of somebody's platform."
NOT_RUN = {
    ("docs/movespec/editor.md", '"yaml.schemas"'): OF_AN_EDITOR,
    ("docs/movespec/editor.md", "yaml-language-server"): OF_AN_EDITOR,
    ("docs/operations.md", "useradd"): ON_A_SERVER,
    ("docs/upgrades.md", "current/deploy/upgrade"): ON_A_SERVER,
    ("docs/upgrades.md", "git tag --force"): BY_DOCKER,
    ("docs/operations.md", "certbot"): "It needs a host name that a certificate authority reaches.",
    ("docs/upgrades.md", "docker compose build"): BY_DOCKER,
    ("docs/upgrades.md", "--no-build"): BY_DOCKER,
}
BLOCKS = [block for page in pages() for block in blocks(page)]


def entries_of(block: Block) -> list[tuple[str, str]]:
    return [
        (page, mark) for page, mark in (*RUN, *NOT_RUN) if page == block.page and mark in block.text
    ]


def test_a_block_is_named_here_once() -> None:
    others = [str(block) for block in BLOCKS if len(entries_of(block)) != 1]
    assert not others, "\n".join(others)


def test_what_is_named_here_is_there_once() -> None:
    found = Counter(entry for block in BLOCKS for entry in entries_of(block))
    assert found == Counter([*RUN, *NOT_RUN])


def test_the_languages_are_known() -> None:
    languages = {"sh", "python", "javascript", "yaml", "json", "ini"}
    assert {block.language for block in BLOCKS} == languages


def functions(path: str) -> list[str]:
    body = ast.parse((PROJECT / path).read_text()).body
    return [node.name for node in body if isinstance(node, ast.FunctionDef)]


def test_the_test_that_is_named_is_there() -> None:
    there = {path: functions(path) for path, _ in RUN.values()}
    missing = [f"{path}: {name}" for path, name in RUN.values() if there[path].count(name) != 1]
    assert not missing, "\n".join(missing)


def test_a_block_works_on_whatever_port_the_platform_has() -> None:
    with_a_port = re.compile(r"(?:localhost|127\.0\.0\.1|\]):\d+")
    bound = [str(block) for block in BLOCKS if with_a_port.search(block.text)]
    assert not bound, "\n".join(bound)


def test_a_block_leaves_the_shell_its_umask() -> None:
    kept = [str(block) for block in BLOCKS if re.search(r"^umask", block.text, re.MULTILINE)]
    assert not kept, "\n".join(kept)
