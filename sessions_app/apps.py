from django.apps import AppConfig


class SessionsConfig(AppConfig):
    name = "sessions_app"
    verbose_name = "Detection sessions"

    def ready(self) -> None:
        from kynaplatform.metrics.exposition import DATABASE_COLLECTORS, ReadCollector
        from projects.models import suspended
        from projects.signing import SIGNED_AGAIN
        from sessions_app.metrics import session_metrics
        from sessions_app.retention import may_replay
        from sessions_app.session_sweep import suspended_sessions_cancel

        DATABASE_COLLECTORS.append(ReadCollector(session_metrics))
        SIGNED_AGAIN.append(may_replay)
        suspended.connect(suspended_sessions_cancel)
