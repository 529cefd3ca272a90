"""The way to the page: its address, and the QR code in the terminal."""

from __future__ import annotations

import pytest

from ankle_imu.live.address import own_address, page_url, qr_lines
from ankle_imu.live.serving import Bind, PortTaken, listen

segno = pytest.importorskip("segno", reason="the extra `live` is not installed")


def test_the_lines_in_the_terminal_are_the_code() -> None:
    text = "http://192.168.4.1:8765/#012345"
    rows: list[list[bool]] = []
    for line in qr_lines(text).splitlines():
        if line.strip():
            rows += [[c in " ▄" for c in line], [c in " ▀" for c in line]]  # a letter is light where it is filled
    matrix = [[bool(cell) for cell in row] for row in segno.make(text, error="l", micro=False).matrix]
    found = [row[2 : 2 + len(matrix)] for row in rows[2 : 2 + len(matrix)]]
    assert found == matrix


def test_everywhere_is_shown_as_this_computers_own_address() -> None:
    assert page_url("0.0.0.0", 80) == f"http://{own_address()}:80/"
    assert page_url("::1", 80, "000123") == "http://[::1]:80/#000123"


@pytest.mark.parametrize(("host", "is_loopback"), [("127.0.0.1", True), ("localhost", True), ("0.0.0.0", False)])
def test_a_code_is_asked_beyond_loopback(host: str, is_loopback: bool) -> None:
    assert Bind(host=host).is_loopback is is_loopback


def test_what_is_no_address_of_this_computer_is_refused() -> None:
    with pytest.raises(PortTaken, match=r"192\.0\.2\.77"):
        listen(Bind(host="192.0.2.77", port=0))
