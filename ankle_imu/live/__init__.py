"""The live page: what the sensors say, drawn on a phone while a walk is recorded or replayed.

    Recorder -> Beside (its own process) -> Engine: LiveWalk -> Hub -> pages
    a growing session -> Attached        -> Engine: LiveWalk -> Hub -> pages
    a session -> Replay                  -> Engine: LiveWalk -> Hub -> pages

The server runs in a process of its own: whatever pages do, the recorder only fills a bounded queue, or does not
even know of them.
"""

from __future__ import annotations

from ankle_imu.live.attached import attach_page
from ankle_imu.live.beside import Beside
from ankle_imu.live.install import missing_packages
from ankle_imu.live.replay import replay_session

__all__ = ["Beside", "attach_page", "missing_packages", "replay_session"]
