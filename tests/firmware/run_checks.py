"""Run checks by name on whatever Python this is, MicroPython mostly; `sys.path` and names are arguments."""

import sys

sys.path[:0] = sys.argv[1].split("|")
import checks  # noqa: E402

if len(sys.argv) > 3:  # one check and its stride
    getattr(checks, sys.argv[2])(int(sys.argv[3]))
    print("ok", sys.argv[2])
    sys.exit()
for name in sys.argv[2:] or checks.CHECKS:
    getattr(checks, name)()
    print("ok", name)
