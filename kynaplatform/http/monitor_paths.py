"""Paths that monitors and balancers ask every few seconds, by any name and without a log line."""

MONITOR_PATHS = ("/healthz", "/readyz", "/metrics")
