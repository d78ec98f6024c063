from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    name = "projects"

    def ready(self) -> None:
        from kynaplatform.metrics.readiness import DATABASE_QUESTIONS
        from projects.credentials import peppers_state
        from projects.signing import signing_keys_state

        DATABASE_QUESTIONS.update(signing_keys=signing_keys_state, peppers=peppers_state)
