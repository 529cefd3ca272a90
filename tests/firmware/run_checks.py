"""Run checks by name on whatever Python this is, MicroPython mostly; `sys.path` and names are arguments."""

import sys

sys.path[:0] = sys.argv[1].split("|")
import checks  # noqa: E402

for name in sys.argv[2:] or checks.CHECKS:
    getattr(checks, name)()
    print("ok", name)
