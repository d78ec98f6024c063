"""The MoveSpec language: from YAML text to a MoveSpec, or to the issues of the text."""
