"""Measures of practice: blocks, angles from gravity, end ranges, holds, sway, compensations, cues."""
