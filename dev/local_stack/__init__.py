"""The processes that `make run` starts, and what makes it enough on a fresh machine."""
