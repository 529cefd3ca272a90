"""Sensors that exist only in memory: they keep to their protocol, and misbehave on a schedule."""
