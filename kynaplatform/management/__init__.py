# The commands that use no service and no secret, and so run without an environment.
OFFLINE = frozenset({"help", "perform", "replay", "stream", "validate"})
