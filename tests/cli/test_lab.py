"""`record --lsl` and `--lsl-from` as commands."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ankle_imu.devices import lsl
from ankle_imu.errors import ExtraMissing

Run = Callable[..., Any]


@pytest.mark.parametrize("words", [("--simulate", "foot_only", "--lsl"), ("--lsl-from", "foot=left_foot")])
def test_a_missing_extra_is_one_sentence(
    words: tuple[str, ...], ankle_imu: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pylsl", None)
    ankle_imu("record", *words, "--duration", 1).refuses(2, "pip install 'ankle-imu[lsl]'")


def test_nonsense_is_refused(ankle_imu: Run) -> None:
    ankle_imu("record", "--lsl-from", "left_foot").refuses(2, "--lsl-from", "ID=PLACEMENT")
    ankle_imu("record", "--lsl-from", "a=nose").refuses(2, "nose")
    ankle_imu("record", "--lsl-from", "a=left_foot", "--simulate", "foot_only").refuses(2, "--lsl-from")


def test_a_stream_that_is_not_there(tmp_path: Path) -> None:
    try:
        lsl.load_pylsl()
    except ExtraMissing as error:
        pytest.skip(str(error))
    settings = tmp_path / "lsl_api.cfg"
    settings.write_text("[multicast]\nResolveScope = machine\n")
    root = Path(__file__).parents[2]
    code = (
        "import sys\nfrom ankle_imu.capture import recorder\nfrom ankle_imu.cli import run\n"
        "recorder.Order.__dataclass_fields__['find_s'].default = 3.0\n"
        "recorder.Order.__init__.__kwdefaults__['find_s'] = 3.0\n"
        "sys.exit(run(['record', '--lsl-from', 'nobody=left_foot', '--out', sys.argv[1]]))"
    )
    env = {**os.environ, "PYTHONPATH": str(root), "LSLAPICFG": str(settings)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "out")], capture_output=True, text=True, env=env, timeout=60
    )
    assert done.returncode == 4, done.stderr
    assert "nobody" in done.stderr.splitlines()[-1]
