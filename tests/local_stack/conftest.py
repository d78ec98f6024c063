from stack_processes import starter

__all__ = ["starter"]
