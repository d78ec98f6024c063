"""The benchmarks. `python -m bench.NAME --help` says what each measures; docs/benchmarks.md has
the figures."""
