from tests.local_stack.stack_processes import _migrated, tmp_path, used

__all__ = ["_migrated", "tmp_path", "used"]
