"""What developers run: the stack of `make run`, the figure and its recordings, tools, benches."""
