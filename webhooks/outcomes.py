"""The outcomes of tries, written to the delivery and to its endpoint, which they may disable."""

import logging
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from django.db import connection, transaction
from prometheus_client import Counter

from kynaplatform.database.connections import is_lock_timeout, is_outage
from webhooks.addresses import NO_CONNECTION
from webhooks.claims import Claim
from webhooks.models import (
    MAX_TRIES,
    TIMEOUT,
    WAITS,
    DeliveryStatus,
    DisabledReason,
    WebhookEndpoint,
)

logger = logging.getLogger("kynaplatform.webhooks")

GONE: Final = 410
# A wait is up to this share of itself shorter or longer, so that retries spread out.
JITTER: Final = 0.1
# An endpoint is disabled once every try of this time has failed: at least ten, of three messages.
FAILS_FOR: Final = timedelta(days=5)
# A failure this long after the last one starts the five days again. A message's tries are closer.
SILENCE: Final = timedelta(days=1)
FAILED_TRIES: Final = 10
FAILED_MESSAGES: Final = 3
# How long a statement waits for locked rows, with all outcomes and with one: less than
# deadlock_timeout.
LOCK_TIMEOUT: Final = "100ms"
LOCK_TIMEOUT_ALONE: Final = "10ms"

TRIES = Counter(
    "kyna_webhook_tries", "Tries to deliver a message, by what became of it.", ["outcome"]
)
for _outcome in ("delivered", "failed", "given_up"):
    TRIES.labels(_outcome)

# Without a flush, which would slow down the acknowledgements of streams: if a crash of the database
# loses an outcome, its message is sent once more.
_SETTINGS: Final = """
SELECT set_config('lock_timeout', %s, true), set_config('synchronous_commit', 'off', true)
"""
# Rows are locked in the order in which a deletion of sessions locks them.
_RECORD: Final = """
WITH given AS MATERIALIZED (
    SELECT * FROM jsonb_populate_recordset(NULL::webhook_delivery, %s::jsonb)
),
locked AS MATERIALIZED (
    SELECT delivery.id
    FROM webhook_delivery AS delivery
    JOIN given ON given.id = delivery.id AND given.claim_id = delivery.claim_id
    ORDER BY delivery.id FOR NO KEY UPDATE OF delivery
)
UPDATE webhook_delivery AS delivery
SET status = given.status,
    due_at = COALESCE(given.due_at, delivery.due_at),
    claim_id = NULL,
    body = COALESCE(delivery.body, given.body),
    tried_at = given.tried_at,
    duration_ms = given.duration_ms,
    response_status = given.response_status,
    response_body = given.response_body,
    failure = given.failure,
    failure_detail = given.failure_detail
FROM locked JOIN given USING (id)
WHERE delivery.id = locked.id AND delivery.claim_id = given.claim_id
RETURNING delivery.id, given.claim_id
"""
# A try to an earlier URL of the endpoint doesn't count. One success starts the five days again,
# whatever else failed in the same turn; so does a failure after SILENCE.
_RECORD_OF_ENDPOINTS: Final = f"""
WITH given AS MATERIALIZED (
    SELECT endpoint_id, url, bool_or(failure IS NULL) AS is_well, count(*) AS tries,
        array_agg(DISTINCT id) AS messages,
        COALESCE(bool_or(response_status = {GONE}), false) AS is_gone
    FROM jsonb_to_recordset(%(outcomes)s::jsonb) AS given (
        endpoint_id uuid, url text, id uuid, failure text, response_status smallint
    )
    GROUP BY endpoint_id, url
),
-- In one order, so that two senders can't deadlock.
locked AS MATERIALIZED (
    SELECT endpoint.id, given.is_well, given.tries, given.messages, given.is_gone,
        endpoint.failed_at > %(now)s::timestamptz - %(silence)s::interval AS goes_on
    FROM webhook_endpoint AS endpoint
    JOIN given ON given.endpoint_id = endpoint.id AND given.url = endpoint.url
    WHERE endpoint.deleted_at IS NULL AND endpoint.disabled_at IS NULL
        AND (NOT given.is_well OR given.is_gone OR endpoint.failing_since IS NOT NULL)
    ORDER BY endpoint.id FOR NO KEY UPDATE OF endpoint
)
UPDATE webhook_endpoint AS endpoint
SET failing_since = CASE WHEN is_well THEN NULL
        WHEN goes_on THEN endpoint.failing_since ELSE %(now)s::timestamptz END,
    failed_at = CASE WHEN NOT is_well THEN %(now)s::timestamptz END,
    failed_tries = CASE WHEN is_well THEN 0
        WHEN goes_on THEN endpoint.failed_tries + locked.tries ELSE locked.tries END,
    failed_messages = CASE WHEN NOT is_well THEN ARRAY (
        SELECT DISTINCT unnest(
            CASE WHEN goes_on THEN endpoint.failed_messages END || locked.messages
        ) LIMIT {FAILED_MESSAGES}
    ) END
FROM locked
WHERE endpoint.id = locked.id
RETURNING endpoint.id, locked.is_gone,
    endpoint.failing_since <= %(now)s::timestamptz - %(fails_for)s::interval
    AND endpoint.failed_tries >= {FAILED_TRIES}
    AND cardinality(endpoint.failed_messages) >= {FAILED_MESSAGES}
"""  # noqa: S608


class Outcome(msgspec.Struct, kw_only=True):
    """The outcome of a claim's try. `failure` is None if the message was delivered."""

    claim: Claim
    body: str | None
    tried_at: datetime
    duration_ms: int = 0
    response_status: int | None = None
    response_body: str | None = None
    failure: str | None = None
    # For staff alone.
    failure_detail: str | None = None


def outcomes_record(outcomes: Sequence[Outcome], *, now: datetime) -> list[Outcome]:
    """Write the outcomes by one statement or, if it fails, each alone.

    If one can't be written, its error is raised once the others are. An outcome whose claim is over
    is ignored: it was written before, or another sender has the claim. Returns those whose rows are
    locked, for the next turn.
    """
    if not outcomes:
        return []
    try:
        _record(outcomes, now, LOCK_TIMEOUT)
        return []
    except Exception as error:
        if is_outage(error):
            raise
    locked: list[Outcome] = []
    failed: Exception | None = None
    for one in outcomes:
        try:
            _record([one], now, LOCK_TIMEOUT_ALONE)
        except Exception as error:
            if is_outage(error):
                raise
            if is_lock_timeout(error):
                locked.append(one)
            else:
                failed = error
    if failed is not None:
        raise failed
    return locked


def _record(outcomes: Sequence[Outcome], now: datetime, lock_timeout: str) -> None:
    rows = {(row["id"], row["claim_id"]): row for row in (_row(one, now) for one in outcomes)}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SETTINGS, [lock_timeout])
        cursor.execute(_RECORD, [msgspec.json.encode([*rows.values()]).decode()])
        recorded = [rows[key] for key in cursor.fetchall()]
        columns = ("endpoint_id", "url", "id", "failure", "response_status")
        of_endpoints = [{name: row[name] for name in columns} for row in recorded]
        parameters: dict[str, Any] = {
            "outcomes": msgspec.json.encode(of_endpoints).decode(),
            "now": now,
            "silence": SILENCE,
            "fails_for": FAILS_FOR,
        }
        cursor.execute(_RECORD_OF_ENDPOINTS, parameters)
        for id_, is_gone, has_failed in cursor.fetchall():
            if is_gone or has_failed:
                reason = DisabledReason.GONE if is_gone else DisabledReason.FAILING
                endpoint = WebhookEndpoint.objects.filter(id=id_)
                endpoint.update(disabled_at=now, disabled_reason=reason)
                logger.warning(
                    "webhook endpoint %(id)s is disabled: %(reason)s",
                    {"id": id_, "reason": reason.label},
                )
    for row in recorded:
        failed = "given_up" if row["status"] == DeliveryStatus.FAILED else "failed"
        TRIES.labels("delivered" if row["failure"] is None else failed).inc()


def _row(one: Outcome, now: datetime) -> dict[str, Any]:
    """The columns of the delivery, with the endpoint and the URL of the try."""
    claim = one.claim
    status, due_at = DeliveryStatus.DELIVERED, None
    if one.failure is not None:
        is_last = claim.tries >= MAX_TRIES or one.response_status == GONE
        status = DeliveryStatus.FAILED if is_last else DeliveryStatus.WAITING
        # As after a timeout, however soon the connection was refused.
        ended_at = one.tried_at + TIMEOUT if one.failure == NO_CONNECTION else now
        jitter = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
        due_at = None if is_last else ended_at + WAITS[claim.tries - 1] * jitter
    row = {name: getattr(one, name) for name in one.__struct_fields__ if name != "claim"}
    of_claim = {name: getattr(claim, name) for name in ("id", "claim_id", "endpoint_id", "url")}
    return {**row, **of_claim, "status": status, "due_at": due_at}
