"""What monitors and balancers ask every few seconds, by any name and without a line in the log."""

MONITOR_PATHS = ("/healthz", "/readyz", "/metrics")
