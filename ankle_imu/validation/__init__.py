"""The analysis held against recordings with a reference and against simulated truth."""
