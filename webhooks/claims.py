"""Claims: which deliveries a sender takes, so that no other one sends them at the same time.

A claim is an UPDATE that passes over rows which another sender has locked. It also moves `due_at`
on, past the longest try: a sender that was killed keeps nothing, for its claims are due again then.
What is due is sought endpoint by endpoint in one partial index, so that a million messages of one
endpoint cost the others nothing. Places go to the organization with the fewest messages under way.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

import msgspec
from django.db import connection

CLAIM: Final = timedelta(seconds=30)
# Messages under way at once in each sender: of one endpoint; of an organization while another one
# has any waiting or under way; of an organization that is alone. The others share the places over
# those of one alone: each leaves as many free as it has, for the next one.
MAX_PER_ENDPOINT: Final = 16
MAX_OF_ORGANIZATION: Final = 64
MAX_ALONE: Final = 4 * MAX_OF_ORGANIZATION
MAX_UNDER_WAY: Final = MAX_ALONE + MAX_OF_ORGANIZATION
# An endpoint that takes longer to answer has fewer places, in proportion.
QUICK_SECONDS: Final = 2.0
# Messages of disabled endpoints that a claim holds: it is made ten times a second.
MAX_HELD: Final = 200

# The endpoints that anything waits for, and when the first of it is due: one step in the index for
# each.
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
        COALESCE(busy.free, %(most_of_endpoint)s::int) AS free,
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
-- Each has one message at least: no more of them are needed.
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
        ) THEN of_organization <= least(%(max_of_organization)s::int, left_free)
        ELSE of_organization <= %(max_alone)s::int
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
    endpoint.previous_secret_until, project.organization_id
FROM claimed
JOIN webhook_endpoint AS endpoint ON endpoint.id = claimed.endpoint_id
JOIN projects_project AS project ON project.id = endpoint.project_id
-- A claim that a crash of the database forgets is made again.
CROSS JOIN (SELECT set_config('synchronous_commit', 'off', true)) AS asynchronous
ORDER BY claimed.id
"""  # noqa: S608


class Claim(NamedTuple):
    """A delivery that this sender is to try, with what it needs of its endpoint."""

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

    def secrets(self, now: datetime) -> list[bytes]:
        """The encrypted secrets that sign at `now`, the newest first."""
        until = self.previous_secret_until
        if self.encrypted_previous_secret is None or until is None or until <= now:
            return [self.encrypted_secret]
        return [self.encrypted_secret, self.encrypted_previous_secret]


def deliveries_claim(
    *, free: Mapping[UUID, int], under_way: Mapping[UUID, int], now: datetime
) -> list[Claim]:
    """Claim what is due, of each endpoint no more than are `free`.

    `under_way` has how many messages of each organization are being sent: the claims add to them,
    the fewest first, up to the bounds of an organization and of the sender. An endpoint that `free`
    does not name has MAX_PER_ENDPOINT. What waits for a disabled one is held, for a replay.
    """
    most = MAX_UNDER_WAY - sum(under_way.values())
    if most <= 0:
        return []
    claim_id = uuid4()
    parameters: dict[str, Any] = {
        "busy_ids": [*free],
        "free": [*free.values()],
        "organization_ids": [*under_way],
        "under_way": [*under_way.values()],
        "most": most,
        "most_of_endpoint": MAX_PER_ENDPOINT,
        "max_of_organization": MAX_OF_ORGANIZATION,
        "max_alone": MAX_ALONE,
        "max_held": MAX_HELD,
        "claim_id": claim_id,
        "now": now,
        "claim": CLAIM,
    }
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT, parameters)
        return [_claim(row, claim_id) for row in cursor.fetchall()]


def _claim(row: tuple[Any, ...], claim_id: UUID) -> Claim:
    claim = Claim._make((*row, claim_id))
    previous = claim.encrypted_previous_secret
    return claim._replace(
        data=None if row[5] is None else msgspec.json.decode(row[5]),
        encrypted_secret=bytes(claim.encrypted_secret),
        encrypted_previous_secret=None if previous is None else bytes(previous),
    )
