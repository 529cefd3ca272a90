"""Reference firmware of the open Ankle IMU protocol: runs on MicroPython, CircuitPython and CPython alike.

Tested in simulation, not on hardware.
"""
