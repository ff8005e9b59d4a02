"""Measurements: ``python -m benchmarks [NAME…] [--json] [--full]``. Each module gives ``run(full) -> rows``."""
