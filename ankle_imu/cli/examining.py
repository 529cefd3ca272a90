"""`doctor`: whether this computer is ready to record."""

from __future__ import annotations

from dataclasses import asdict

from ankle_imu.cli import bluetooth
from ankle_imu.cli.arguments import AsJson, Library, library_root
from ankle_imu.cli.output import say, show_json, show_verdicts


def doctor(*, library: Library = None, as_json: AsJson = False) -> int:
    """Look at all that recording needs, and say what to do where it is missing.

    Python, Bluetooth, saved sensors, disk, battery and clock: ok, warn or FAIL. Exit code 0 without a FAIL,
    6 when only disk or clock fail, else 3.
    """
    from ankle_imu.doctor import FAIL, WARN, examine, exit_code

    findings = bluetooth.run(examine(bluetooth.radio(), library_root(library)))
    code = exit_code(findings)
    if as_json:
        show_json({"findings": [asdict(finding) for finding in findings], "exit_code": code})
        return code
    show_verdicts([(f.verdict, f.what, f.found, f.fix) for f in findings])
    failed, warned = (sum(f.verdict == verdict for f in findings) for verdict in (FAIL, WARN))
    say("Ready to record." if not failed else f"Not ready: {failed} of {len(findings)} must be mended first.")
    if warned and not failed:
        say(f"{warned} could be better.")
    return code
