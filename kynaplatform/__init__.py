from kynaplatform.celery import app as celery_app

# Raised with each release; BUILD_REVISION says more.
__version__ = "1.0.0"

__all__ = ["celery_app"]
