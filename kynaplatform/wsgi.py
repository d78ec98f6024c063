"""The control plane's WSGI application."""

from django.core.wsgi import get_wsgi_application

from kynaplatform.checks import refuse_to_start

application = get_wsgi_application()
refuse_to_start()
