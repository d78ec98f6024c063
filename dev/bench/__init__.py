"""The benchmarks. `python -m dev.bench.NAME --help` says what each measures; docs/benchmarks.md has
the figures."""
