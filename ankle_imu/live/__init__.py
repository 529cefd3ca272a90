"""The live page: what the sensors say, drawn on a phone while a walk is recorded or replayed.

    Recorder -> Beside (its own process) -> Engine: LiveWalk -> Hub -> pages
    a session -> Replay                  -> Engine: LiveWalk -> Hub -> pages

The server runs in a process of its own: whatever pages do, the recorder only fills a bounded queue.
"""

from __future__ import annotations

from ankle_imu.live.beside import Beside
from ankle_imu.live.install import missing_packages
from ankle_imu.live.replay import replay_session

__all__ = ["Beside", "missing_packages", "replay_session"]
