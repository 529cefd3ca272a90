"""What a sensor reads at rest, in which units, and how it sits on its segment."""
