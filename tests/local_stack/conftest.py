from stack_processes import _migrated, starter, used

__all__ = ["_migrated", "starter", "used"]
