"""Gait from foot and shank sensors: events, strides, trajectory, gait class."""
