"""Numbers of one session made from its strides: summaries, curves, exceedances, rates of events."""
