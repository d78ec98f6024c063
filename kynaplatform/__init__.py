from kynaplatform.celery import app as celery_app

# The only place of it; BUILD_REVISION says more.
__version__ = "0.3.0"

__all__ = ["celery_app"]
