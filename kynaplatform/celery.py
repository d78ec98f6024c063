"""The Celery application: `celery -A kynaplatform worker`, `celery -A kynaplatform beat`.

Every periodic task is declared here. Beat has no lock and a broker may deliver twice, so each
task is safe to run twice at once. `expires` keeps a stopped worker from meeting a long backlog;
it is longer than the clocks of two machines differ, for each reads its own.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kynaplatform.settings")

app = Celery("kynaplatform")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "expire-sessions": {
        "task": "sessions_app.tasks.expire_sessions",
        "schedule": 15.0,
        "options": {"expires": 3600},
    },
    "prune-expired": {
        "task": "sessions_app.tasks.prune_expired",
        "schedule": 3600.0,
        "options": {"expires": 7200},
    },
}


@worker_init.connect
@beat_init.connect
def refuse_to_start(**_: Any) -> None:
    from kynaplatform import checks

    checks.refuse_to_start()
