"""Measure the box on every page, and the search of the log, over many customers.

    python bench/find.py [--scale 1.0] [--times 15] [--throwaway] [--json]

It makes 2,000 organizations, 10,000 projects, 30,000 keys, 200,000 MoveSpecs with a draft and a
version each, 5,000,000 sessions and 1,000,000 entries of the log, times the scale. Then it asks
each, through the whole of Django but no network, as bench/admin.py does.

The server of DATABASE_URL is used, in a database made for the run and dropped at its end; with
DATABASE_URL unset, an embedded one in a temporary folder. `--throwaway` starts the embedded one
without fsync.
"""

import argparse
from collections.abc import Iterator
from urllib.parse import urlencode

from admin import MOST_TIMES, ask, show
from scene import Scene, scene_for_run

FILLED = [
    """
INSERT INTO projects_organization (id, name, created_at)
SELECT gen_random_uuid(), (ARRAY['Acme', 'Borealis', 'Cedar', 'Delta'])[1 + n %% 4] || ' '
       || (ARRAY['Fitness', 'Health', 'Physio', 'Sports', 'Labs'])[1 + n %% 5] || ' ' || n, now()
FROM generate_series(1, (2000 * %(scale)s)::int) AS n
""",
    """
INSERT INTO projects_project (id, organization_id, name, created_at)
SELECT gen_random_uuid(), id,
       (ARRAY['iOS app', 'Android app', 'Web', 'Kiosk', 'Research'])[n], now()
FROM projects_organization, generate_series(1, 5) AS n
""",
    """
INSERT INTO projects_credential (
    id, project_id, kind, name, secret_hash, pepper_number, scopes, created_at
)
SELECT gen_random_uuid(), id, CASE n WHEN 3 THEN 'service_account' ELSE 'api_key' END,
       (ARRAY['production', 'staging', 'ci'])[n], '\\x00', 1, ARRAY['sessions:read'], now()
FROM projects_project, generate_series(1, 3) AS n
""",
    """
INSERT INTO movespecs_movespec (id, project_id, name, visibility, created_at, updated_at)
SELECT gen_random_uuid(), id,
       (ARRAY['Squat', 'Lunge', 'Plank', 'Push-up', 'Sit-up'])[1 + n %% 5] || ' ' || n, 'private',
       now() - n * interval '1 minute', now()
FROM projects_project, generate_series(1, 20) AS n
""",
    """
INSERT INTO movespecs_movespecdraft (id, movespec_id, yaml_source, updated_at)
SELECT gen_random_uuid(), id, repeat('name: squat', 40), now() FROM movespecs_movespec
ON CONFLICT DO NOTHING
""",
    """
INSERT INTO movespecs_movespecversion (
    id, movespec_id, version_number, yaml_source, content_hash, created_at
)
SELECT gen_random_uuid(), id, 2, repeat('name: squat', 40), md5(id::text) || md5(name), now()
FROM movespecs_movespec
""",
    """
INSERT INTO detection_session (
    id, project_id, resolved_version_id, mode, contract_major, status, terminal_outcome,
    accepted_frames_total, created_at, started_at, ended_at, checkpoint_number, signing_key_id,
    runtime_token_expires_at, stream_url
)
SELECT gen_random_uuid(), projects[1 + n %% cardinality(projects)],
       (SELECT id FROM movespecs_movespecversion LIMIT 1), 'live', 1, 'completed', 'completed',
       n %% 3000, now() - n * interval '1 second', now(), now(), 0, gen_random_uuid(), now(),
       'ws://127.0.0.1:8001/api/detection/stream/' || n
FROM generate_series(1, (5000000 * %(scale)s)::int) AS n,
     (SELECT array_agg(id) AS projects FROM projects_project) AS made
""",
    """
INSERT INTO django_admin_log (
    action_time, object_id, object_repr, action_flag, change_message, content_type_id, user_id
)
SELECT now() - (1000000 * %(scale)s - n) * interval '1 minute',
       (subjects[1 + n %% cardinality(subjects)])::text, 'Customer / App / key ' || n, 2,
       'Revoked Customer / App / key. Reason: it leaked.',
       (SELECT id FROM django_content_type WHERE model = 'movespec'),
       (SELECT id FROM auth_user LIMIT 1)
FROM generate_series(1, (1000000 * %(scale)s)::int) AS n,
     (SELECT array_agg(id ORDER BY id) AS subjects FROM (
         SELECT id FROM movespecs_movespec UNION ALL SELECT id FROM projects_credential
         UNION ALL SELECT id FROM projects_project UNION ALL SELECT id FROM projects_organization
     ) AS rows) AS made
""",
]
BOX, LOG = "/admin/find/typed/", "/admin/admin/logentry/"


def main() -> None:
    options = read_options()
    with scene_for_run(options.throwaway) as (_folder, scene):
        from django.contrib.auth.models import User

        user = User.objects.create_superuser("bench")
        fill(options.scale)
        for figure in ask(user, pages(scene), options.times):
            show(figure, as_json=options.json)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scale", type=float, default=1.0, help="of what is made (default 1.0)")
    parser.add_argument("--times", type=int, default=15, help="to ask each page (default 15)")
    parser.add_argument("--throwaway", action="store_true", help="embedded database without fsync")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    options = parser.parse_args()
    if not (0.001 <= options.scale <= 2 and 1 < options.times <= MOST_TIMES):
        parser.error(f"a scale of 0.001 to 2, 2 to {MOST_TIMES} times")
    return options


def fill(scale: float) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for statement in FILLED:
            cursor.execute(statement, {"scale": scale})
        cursor.execute("VACUUM ANALYZE")


def pages(scene: Scene) -> Iterator[tuple[str, str]]:
    """What is asked, and its address."""
    from projects.models import Organization
    from sessions_app.models import DetectionSession

    session = DetectionSession.objects.latest("created_at").pk
    customer = Organization.objects.latest("name")
    texts = {
        "name, 4 characters": "acme",
        "customer and project": "acme ios",
        "one customer": customer.name,
        "MoveSpec": "squat",
        "in most names": "a",
        "nothing": "zzzz",
        "short id of a session": str(session)[:8],
        "id of a session": session,
        "id of a customer": customer.pk,
        "id of a project": scene.project_id,
    }
    yield "log", LOG
    for name, text in texts.items():
        for place, address in (("box", BOX), ("log", LOG)):
            yield f"{place}: {name}", f"{address}?{urlencode({'q': text})}"
    yield "log: who", f"{LOG}?q=bench"


if __name__ == "__main__":
    main()
