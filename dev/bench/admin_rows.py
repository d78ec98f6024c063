"""The rows that the admin's bench reads: customers, projects and sessions of some months."""

import argparse
from datetime import timedelta

from dev.bench.scene import Scene

PROJECTS = 200
CUSTOMERS = [
    """
INSERT INTO projects_organization (id, name, created_at)
SELECT gen_random_uuid(), (ARRAY['Acme', 'Borealis', 'Cedar', 'Delta'])[1 + n %% 4] || ' '
       || (ARRAY['Fitness', 'Health', 'Physio', 'Sports', 'Labs'])[1 + n %% 5] || ' ' || n, now()
FROM generate_series(1, %(customers)s) AS n
""",
    """
INSERT INTO projects_project (id, organization_id, name, created_at)
SELECT gen_random_uuid(), id,
       (ARRAY['iOS app', 'Android app', 'Web', 'Kiosk', 'Research'])[n], now()
FROM projects_organization, generate_series(1, 5) AS n
WHERE id <> %(bench)s
""",
    """
INSERT INTO projects_credential (
    id, project_id, kind, name, secret_hash, pepper_number, scopes, created_at
)
SELECT gen_random_uuid(), id, CASE n WHEN 3 THEN 'service_account' ELSE 'api_key' END,
       (ARRAY['production', 'staging', 'ci'])[n], '\\x00', 1, ARRAY['sessions:read'], now()
FROM projects_project, generate_series(1, 3) AS n WHERE organization_id <> %(bench)s
""",
    """
INSERT INTO movespecs_movespec (id, project_id, name, visibility, created_at, updated_at)
SELECT gen_random_uuid(), id,
       (ARRAY['Squat', 'Lunge', 'Plank', 'Push-up', 'Sit-up'])[1 + n %% 5] || ' ' || n, 'private',
       now() - random() * interval '90 days', now()
FROM projects_project, generate_series(1, 20) AS n WHERE organization_id <> %(bench)s
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
SELECT gen_random_uuid(), id, 2, repeat('name: squat', 40), md5(id::text) || md5(name), created_at
FROM movespecs_movespec
""",
    """
INSERT INTO django_admin_log (
    action_time, object_id, object_repr, action_flag, change_message, content_type_id, user_id
)
SELECT now() - (500 * %(customers)s - n) * interval '1 minute',
       (subjects[1 + n %% cardinality(subjects)])::text, 'Customer / App / key ' || n, 2,
       'Revoked Customer / App / key. Reason: it leaked.',
       (SELECT id FROM django_content_type WHERE model = 'movespec'),
       (SELECT id FROM auth_user LIMIT 1)
FROM generate_series(1, 500 * %(customers)s) AS n,
     (SELECT array_agg(id ORDER BY id) AS subjects FROM (
         SELECT id FROM movespecs_movespec UNION ALL SELECT id FROM projects_credential
         UNION ALL SELECT id FROM projects_project UNION ALL SELECT id FROM projects_organization
     ) AS rows) AS made
""",
]
# What a session of eleven squats has counted.
SUMMARY = """
{"frames": 900, "usable": 890, "intervals": 899, "active_ms": 30000.0, "steps": 1, "repeated": 0,
 "rejected": {}, "ranges": [[77.6, 176.8], [62.7, 177.5]],
 "quality": {"time_ms": 30000.0, "unseen_ms": {}, "moved": 28526, "uncounted": 451,
             "counted": 29252, "completions": 11, "paths": [[1, 1266, 790, 1736, 790, 1739]]},
 "counted": {"squat": {"completed": 11, "attempts": {"not_reached": 1}, "by_side": null,
   "measures": {"joint.knee": {"best": 77.6, "mean": 78.4, "least": 77.6, "most": 176.8},
                "joint.hip": {"best": 62.8, "mean": 63.4, "least": 62.8, "most": 177.1},
                "lean.trunk": {"best": null, "mean": 19.0, "least": 0.6, "most": 37.5}},
   "longest_ms": null, "total_ms": null}}}
"""
# n counts back from the newest.
SESSIONS = """
INSERT INTO detection_session (
    id, project_id, resolved_version_id, mode, contract_major, status, terminal_outcome,
    accepted_frames_total, created_at, started_at, ended_at, deadline_at, longest_until,
    checkpoint_number, created_by, signing_key_id, runtime_token_expires_at, stream_url,
    subject, metadata, summary
)
SELECT gen_random_uuid(),
       (SELECT array_agg(id ORDER BY created_at) FROM projects_project
        WHERE organization_id = %(bench)s)
           [CASE WHEN n %% 5 < 2 THEN 1 ELSE 1 + n %% %(projects)s END],
       (SELECT id FROM movespecs_movespecversion LIMIT 1),
       CASE WHEN n %% 7 = 3 AND NOT is_live AND status <> 'failed' THEN 'replay' ELSE 'live' END,
       1, status,
       CASE WHEN NOT is_live THEN status END,
       n %% 3000, at,
       CASE WHEN status <> 'created' THEN at + interval '1 second' END,
       CASE WHEN NOT is_live THEN at + interval '1 minute' END,
       CASE WHEN n BETWEEN 1001 AND 1200 THEN now() - n * interval '1 millisecond'
            WHEN is_live THEN now() + interval '1 day' END,
       CASE WHEN status <> 'created' THEN at + interval '1 hour' END,
       0, CASE WHEN n %% 5 < 2 THEN %(key)s::uuid END, gen_random_uuid(), now(),
       'ws://127.0.0.1:8001/api/detection/stream/' || n,
       CASE WHEN n %% 1000 = 0 THEN 'p_often' ELSE 'p_' || n %% 100000 END,
       jsonb_build_object(
           'ward', 'ward ' || n %% (%(sessions)s / 1000),
           'wing', CASE n %% 2 WHEN 0 THEN 'north' ELSE 'south' END
       ),
       CASE WHEN status = 'completed' THEN %(summary)s::jsonb END
FROM (
    SELECT n, n <= 6050 AS is_live,
           now() - n * (interval '1 day' * %(days)s / %(sessions)s) AS at,
           CASE WHEN n <= 1000 THEN 'created' WHEN n <= 6000 THEN 'streaming'
                WHEN n <= 6050 THEN 'finalizing' WHEN n %% 997 = 0 THEN 'failed'
                WHEN n %% 11 = 0 THEN 'cancelled' ELSE 'completed' END AS status
    FROM generate_series(1, %(sessions)s) AS n
) AS made
"""


def fill(scene: Scene, options: argparse.Namespace) -> None:
    """Make `sessions` sessions within `days`, and `customers` beside the scene's."""
    from django.db import connection

    from projects.models import Project

    largest = Project.objects.get(id=scene.project_id)
    Project.objects.bulk_create(
        Project(
            organization_id=largest.organization_id,
            name=f"Project {number}",
            created_at=largest.created_at + timedelta(seconds=number),
        )
        for number in range(1, PROJECTS)
    )
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        key = largest.credentials.latest("created_at").pk
        values = {
            **vars(options),
            "projects": PROJECTS,
            "bench": largest.organization_id,
            "key": key,
            "summary": SUMMARY,
        }
        for statement in (*CUSTOMERS, SESSIONS):
            cursor.execute(statement, values)
        cursor.execute("VACUUM ANALYZE")
