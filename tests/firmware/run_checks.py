"""Run checks on whatever Python this is, MicroPython mostly. Arguments: path|path, names or `name:stride`."""

import sys

sys.path[:0] = sys.argv[1].split("|")
import checks  # noqa: E402

for named in sys.argv[2:] or checks.CHECKS:
    name, _, stride = named.partition(":")
    getattr(checks, name)(*[int(stride)] if stride else [])
    print("ok", name)
