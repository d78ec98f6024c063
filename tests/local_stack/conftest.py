from stack_processes import _migrated, starter, tmp_path, used

__all__ = ["_migrated", "starter", "tmp_path", "used"]
