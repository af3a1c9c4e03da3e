"""The developers' measurements: ratios in one run, each with the command that repeats it."""
