"""Everything that makes a fresh machine enough: `make run`, `make test` and `make check`."""
