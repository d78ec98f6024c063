"""Claims: the deliveries that a sender reserves, so that no other sends them at the same time.

A claim also moves `due_at` past the longest try, so that those of a killed sender are due again.
Due messages are read endpoint by endpoint, so that a million of one cost the others nothing.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

import msgspec
from django.db import connection

CLAIM: Final = timedelta(seconds=30)
# Messages under way at once in each sender: of an endpoint; of an organization beside others with
# messages; and of an organization that is alone. The places beyond MAX_ALONE are shared: each other
# organization leaves as many free as it has, for the next one.
MAX_PER_ENDPOINT: Final = 16
MAX_OF_ORGANIZATION: Final = 64
MAX_ALONE: Final = 4 * MAX_OF_ORGANIZATION
MAX_UNDER_WAY: Final = MAX_ALONE + MAX_OF_ORGANIZATION
# An endpoint that takes longer to respond has fewer places, in proportion.
QUICK_SECONDS: Final = 2.0
# Messages of disabled endpoints that one claim sets to `held`. Claims are made every 0.1 s.
MAX_HELD: Final = 200

# Each endpoint with waiting messages, and when the first is due: one step in the index for each.
WAITING: Final = """
waiting AS (
    (
        SELECT endpoint_id, due_at FROM webhook_delivery
        WHERE status = 'waiting' ORDER BY endpoint_id, due_at LIMIT 1
    )
    UNION ALL
    SELECT next.endpoint_id, next.due_at
    FROM waiting
    CROSS JOIN LATERAL (
        SELECT endpoint_id, due_at FROM webhook_delivery
        WHERE status = 'waiting' AND endpoint_id > waiting.endpoint_id
        ORDER BY endpoint_id, due_at LIMIT 1
    ) AS next
)"""
STATEMENT: Final = f"""
WITH RECURSIVE {WAITING},
served AS MATERIALIZED (
    SELECT * FROM unnest(%(organization_ids)s::uuid[], %(under_way)s::int[])
        AS served (organization_id, under_way)
),
ready AS MATERIALIZED (
    SELECT endpoint.id, project.organization_id,
        COALESCE(busy.free, {MAX_PER_ENDPOINT}) AS free,
        COALESCE(served.under_way, 0) AS under_way
    FROM waiting
    JOIN webhook_endpoint AS endpoint ON endpoint.id = waiting.endpoint_id
    JOIN projects_project AS project ON project.id = endpoint.project_id
    LEFT JOIN unnest(%(busy_ids)s::uuid[], %(free)s::int[]) AS busy (id, free)
        ON busy.id = endpoint.id
    LEFT JOIN served ON served.organization_id = project.organization_id
    WHERE waiting.due_at <= %(now)s::timestamptz AND busy.free IS DISTINCT FROM 0
        AND endpoint.disabled_at IS NULL AND endpoint.deleted_at IS NULL
),
-- Each has at least one message, so that no more endpoints are needed.
nearest AS MATERIALIZED (
    SELECT * FROM ready
    ORDER BY under_way + row_number() OVER (PARTITION BY organization_id ORDER BY random())
    LIMIT %(most)s::int
),
place AS (
    SELECT id, under_way + row_number() OVER (
        PARTITION BY organization_id ORDER BY number, random()
    ) AS of_organization
    FROM nearest CROSS JOIN generate_series(1, free) AS number
),
-- In the order in which they are given away.
numbered AS (
    SELECT id, of_organization,
        %(most)s::int + 1 - row_number() OVER (ORDER BY of_organization, random()) AS left_free
    FROM place
),
allotted AS MATERIALIZED (
    SELECT id, count(*) AS places
    FROM numbered
    WHERE CASE
        WHEN (
            SELECT count(*) > 1
            FROM (
                SELECT organization_id FROM ready UNION SELECT organization_id FROM served
            ) AS organization
        ) THEN of_organization <= least({MAX_OF_ORGANIZATION}, left_free)
        ELSE of_organization <= {MAX_ALONE}
    END
    GROUP BY id
),
due AS MATERIALIZED (
    SELECT first.id
    FROM allotted
    CROSS JOIN LATERAL (
        SELECT id FROM webhook_delivery
        WHERE status = 'waiting' AND endpoint_id = allotted.id AND due_at <= %(now)s::timestamptz
        ORDER BY due_at LIMIT allotted.places
        FOR UPDATE SKIP LOCKED
    ) AS first
),
held AS (
    UPDATE webhook_delivery SET status = 'held', claim_id = NULL
    WHERE id = ANY (ARRAY (
        SELECT first.id
        FROM waiting
        JOIN webhook_endpoint AS endpoint ON endpoint.id = waiting.endpoint_id
        CROSS JOIN LATERAL (
            SELECT id FROM webhook_delivery
            WHERE status = 'waiting' AND endpoint_id = endpoint.id
                -- What is being sent is held after its outcome.
                AND (claim_id IS NULL OR due_at <= %(now)s::timestamptz)
            ORDER BY due_at LIMIT %(max_held)s
            FOR UPDATE SKIP LOCKED
        ) AS first
        WHERE endpoint.disabled_at IS NOT NULL OR endpoint.deleted_at IS NOT NULL
        LIMIT %(max_held)s
    ))
),
claimed AS (
    UPDATE webhook_delivery AS delivery
    SET claim_id = %(claim_id)s::uuid, tries = tries + 1,
        due_at = %(now)s::timestamptz + %(claim)s::interval
    -- Few, whatever the planner makes of `due`: never a scan of the table.
    WHERE delivery.id = ANY (ARRAY (SELECT id FROM due))
    RETURNING delivery.*
)
SELECT claimed.id, claimed.endpoint_id, claimed.type, claimed.session_id, claimed.sequence,
    claimed.data, claimed.occurred_at, claimed.tries, claimed.body, claimed.request_id,
    endpoint.url, endpoint.encrypted_secret, endpoint.encrypted_previous_secret,
    endpoint.previous_secret_until, project.organization_id, claimed.claim_id
FROM claimed
JOIN webhook_endpoint AS endpoint ON endpoint.id = claimed.endpoint_id
JOIN projects_project AS project ON project.id = endpoint.project_id
-- A claim that a crash of the database forgets is made again.
CROSS JOIN (SELECT set_config('synchronous_commit', 'off', true)) AS asynchronous
ORDER BY claimed.id
"""  # noqa: S608


class Claim(NamedTuple):
    """A delivery that this sender is to try, with its endpoint's columns."""

    id: UUID
    endpoint_id: UUID
    type: str
    session_id: UUID | None
    sequence: int | None
    data: dict[str, Any] | None
    occurred_at: datetime
    tries: int
    body: str | None
    request_id: str | None
    url: str
    encrypted_secret: bytes
    encrypted_previous_secret: bytes | None
    previous_secret_until: datetime | None
    organization_id: UUID
    claim_id: UUID


def deliveries_claim(
    *, free: Mapping[UUID, int], under_way: Mapping[UUID, int], now: datetime
) -> list[Claim]:
    """Claim due messages, and set those of disabled endpoints to `held`, for a replay.

    `free` bounds the claims of an endpoint; by default it is MAX_PER_ENDPOINT. `under_way` counts
    the messages that are being sent, by organization. The claims add to those with the fewest, up
    to the bounds of an organization and of the sender.
    """
    most = MAX_UNDER_WAY - sum(under_way.values())
    if most <= 0:
        return []
    parameters: dict[str, Any] = {
        "busy_ids": [*free],
        "free": [*free.values()],
        "organization_ids": [*under_way],
        "under_way": [*under_way.values()],
        "most": most,
        "max_held": MAX_HELD,
        "claim_id": uuid4(),
        "now": now,
        "claim": CLAIM,
    }
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT, parameters)
        return [
            # Django's cursors return JSON as text.
            Claim(*row)._replace(data=row[5] and msgspec.json.decode(row[5]))
            for row in cursor.fetchall()
        ]
