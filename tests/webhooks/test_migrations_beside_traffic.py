"""What an upgrade changes of webhooks waits for those who write, and never crosswise with them."""

import psycopg
import pytest
from django.core.management import call_command

from movespecs.models import MoveSpec
from tests.admin.session_rows import make_session
from tests.concurrency.racing import racing, waiting_backends
from tests.server import test_database_url as database_url
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

# Of the last release, in their order: a session whose status changes, whose trigger reads the
# endpoints and writes deliveries; and a MoveSpec whose version is withdrawn.
SESSION = [
    "UPDATE detection_session SET created_at = created_at",
    "INSERT INTO webhook_delivery SELECT delivery.* FROM webhook_delivery AS delivery"
    " JOIN webhook_endpoint AS endpoint ON endpoint.id = delivery.endpoint_id WHERE false",
]
WITHDRAWAL = [
    "SELECT FROM movespecs_movespec FOR NO KEY UPDATE",
    "UPDATE movespecs_movespecversion SET withdrawn_at = withdrawn_at",
    "UPDATE movespecs_movespec SET updated_at = updated_at",
]


@pytest.mark.parametrize("statements", [WITHDRAWAL, SESSION])
def test_it_lets_a_transaction_end_that_has_begun(
    movespec: MoveSpec, statements: list[str]
) -> None:
    make_session(movespec)
    call_command("migrate", "webhooks", "0001", verbosity=0)
    try:
        with (
            psycopg.connect(database_url()) as traffic,
            racing([lambda: call_command("migrate", "webhooks", "0002", verbosity=0)]) as run,
        ):
            traffic.execute("SET lock_timeout = '2s'")
            for statement in statements[:-1]:
                traffic.execute(statement)
            run.start()
            eventually(lambda: waiting_backends() == 1, "the migration waits")
            traffic.execute(statements[-1])
            traffic.commit()
            run.results()
    finally:
        call_command("migrate", verbosity=0)
