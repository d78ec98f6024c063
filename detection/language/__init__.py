"""The MoveSpec language: from YAML text to a MoveSpec, or to what keeps it from being one."""
