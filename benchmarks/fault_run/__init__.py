"""What the fault run (:mod:`benchmarks.faults`) is made of: the program, its sources, its vehicles, its findings."""
