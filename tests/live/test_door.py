"""Who gets in, on a clock of the test's own."""

from __future__ import annotations

import pytest

from ankle_imu.live.door import TRIES, TRIES_OF_ALL, Door, is_own_host, is_own_origin


class Clock:
    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


def wrong(door: Door) -> str:
    return "000000" if door.code != "000000" else "000001"


def test_the_code_opens_and_its_cookie_is_known() -> None:
    door = Door(needs_code=True, now=Clock())
    assert len(door.code) == 6
    assert door.code.isdigit()
    token = door.enter(door.code, "10.0.0.7")
    assert token
    assert len(token) >= 40
    assert door.knows(token)
    assert not door.knows("")
    assert not door.knows(token[:-1])


def test_a_thousand_wrong_codes_get_five_answers() -> None:
    clock = Clock()
    door = Door(needs_code=True, now=clock)
    token = door.enter(door.code, "10.0.0.7")
    answers = [door.enter(wrong(door), "10.0.0.8") for _ in range(1000)]
    assert answers.count("") == TRIES
    assert answers.count(None) == 1000 - TRIES
    assert door.enter(door.code, "10.0.0.8") is None, "who guessed waits, even with the right code"
    assert door.enter(door.code, "10.0.0.9"), "another one does not"
    assert token
    assert door.knows(token), "who is in stays in"
    clock.s = 61.0
    assert door.enter(door.code, "10.0.0.8")


def test_many_addresses_together_get_no_further() -> None:
    door = Door(needs_code=True, now=Clock())
    answers = [door.enter(wrong(door), f"10.0.{n // 250}.{n % 250}") for n in range(5000)]
    assert answers.count("") == TRIES_OF_ALL


def test_on_loopback_nobody_is_asked() -> None:
    door = Door(needs_code=False, now=Clock())
    assert door.code == ""
    assert door.knows("")


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("127.0.0.1:8765", True), ("localhost", True), ("[::1]:8765", True), ("192.168.4.1:80", True),
        ("evil.example", False), ("evil.example:8765", False), ("127.0.0.1.evil.example:8765", False), ("", False),
    ],
)  # fmt: skip
def test_hosts(host: str, is_own: bool) -> None:
    assert is_own_host(host) is is_own


@pytest.mark.parametrize(
    ("origin", "is_own"),
    [
        ("http://10.0.0.2:8765", True), ("https://10.0.0.2:8765", False), ("http://10.0.0.2:8766", False),
        ("http://10.0.0.2", False), ("null", False), ("http://10.0.0.2:8765.evil.example", False),
    ],
)  # fmt: skip
def test_origins(origin: str, is_own: bool) -> None:
    assert is_own_origin(origin, "10.0.0.2:8765", is_needed=False) is is_own
    assert not is_own_origin("", "10.0.0.2:8765", is_needed=True)
