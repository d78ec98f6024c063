"""A change of a trigger reaches existing databases only through a migration."""

from hashlib import sha256

import pytest

from usage import metering
from webhooks import triggers

# The text that each migration installs. After a change, add a migration that runs the changed
# statements with CREATE OR REPLACE, and record the new text here with it.
INSTALLED = [
    (metering, "usage/migrations/0002_metering.py", "68aeddcff1db8705"),
    (triggers, "webhooks/migrations/0002_outbox.py", "c14549d2f39b7ee0"),
]


@pytest.mark.parametrize(("module", "migration", "digest"), INSTALLED)
def test_a_changed_trigger_has_a_migration(module, migration: str, digest: str) -> None:
    text = "\n".join([*module.FORWARDS, *module.BACKWARDS])
    assert sha256(text.encode()).hexdigest()[:16] == digest, f"{migration} installs another text"
