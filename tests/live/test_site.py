"""The server against those who must not get in, or get in and misbehave."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time
from collections.abc import Iterator

import pytest
from live_site import Site, serving

import ankle_imu as ai
from ankle_imu.live.door import TRIES, TRIES_S
from ankle_imu.live.serving import MOST_OF_ONE, REQUEST_S, Bind

client = pytest.importorskip("websockets.sync.client", reason="the extra `live` is not installed")

from websockets.exceptions import ConnectionClosed, InvalidStatus  # noqa: E402


@pytest.fixture(scope="module")
def site(walk: ai.Recording) -> Iterator[Site]:
    """A server that asks for its code."""
    with serving(walk, speed=0.5, host="0.0.0.0") as one:
        assert len(one.code) == 6
        yield one


@pytest.fixture(scope="module")
def cookie(site: Site) -> str:
    status, headers, _ = ask(site, "POST", "/enter", body=site.code, origin=f"http://{site.host}")
    assert status == 200
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    return cookie.partition(";")[0]


def ask(
    site: Site,
    method: str,
    path: str,
    *,
    body: str | bytes = "",
    origin: str = "",
    host: str = "",
    cookie: str = "",
) -> tuple[int, dict[str, str], bytes]:
    """One request, its path sent as it stands."""
    link = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
    link.putrequest(method, path, skip_host=True)
    link.putheader("Host", host or site.host)
    content = body.encode() if isinstance(body, str) else body
    if origin:
        link.putheader("Origin", origin)
    if cookie:
        link.putheader("Cookie", cookie)
    if content:
        link.putheader("Content-Length", str(len(content)))
    link.endheaders(content or None)
    answer = link.getresponse()
    got = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    link.close()
    return got


def enter(site: Site, cookie: str, origin: str = "") -> client.ClientConnection:
    headers = {"Cookie": cookie} if cookie else {}
    return client.connect(
        f"ws://{site.host}/socket", origin=origin or f"http://{site.host}", additional_headers=headers, proxy=None
    )


def test_the_page_itself_holds_nothing_and_runs_only_its_own_files(site: Site) -> None:
    status, headers, body = ask(site, "GET", "/")
    assert status == 200
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert b"<script>" not in body
    assert b"onclick" not in body
    assert site.code.encode() not in body
    assert b"data-in" not in body
    assert "server" not in headers


def test_who_was_let_in_is_told_with_the_page(site: Site, cookie: str) -> None:
    assert b'data-in="yes"' in ask(site, "GET", "/", cookie=cookie)[2]
    assert b"data-in" not in ask(site, "GET", "/", cookie=f"{cookie}0")[2]


def test_without_the_code_there_is_no_socket(site: Site) -> None:
    for cookie in ("", "ankle_imu_live=", "ankle_imu_live=guessed"):
        with pytest.raises(InvalidStatus) as refused:
            enter(site, cookie)
        assert refused.value.response.status_code == 403


def test_with_it_there_is(site: Site, cookie: str) -> None:
    with enter(site, cookie) as page:
        assert json.loads(page.recv(timeout=5))["k"] == "hello"


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"])
def test_a_foreign_origin_is_refused_everywhere(site: Site, cookie: str, origin: str) -> None:
    assert ask(site, "GET", "/", origin=origin)[0] == 403
    assert ask(site, "GET", "/enter", origin=origin)[0] == 403
    assert ask(site, "POST", "/enter", body=site.code, origin=origin)[0] == 403
    with pytest.raises(InvalidStatus):
        enter(site, cookie, origin)


def test_a_post_without_origin_is_refused(site: Site) -> None:
    assert ask(site, "POST", "/enter", body=site.code)[0] == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "a b", "x; script-src *", "[::1"])
def test_a_name_that_was_made_to_lead_here_is_refused(site: Site, host: str) -> None:
    assert ask(site, "GET", "/", host=host)[0] in (400, 403)


@pytest.mark.parametrize(
    "path",
    ["/../../etc/passwd", "/..%2f..%2fetc/passwd", "/%2e%2e/live.html", "//etc/passwd", "/live.js/../serving.py",
     "/page/live.html", "/live.js%00.css", "/etc/passwd", "/live.html", "/." * 900],
)  # fmt: skip
def test_no_path_reaches_the_file_system(site: Site, path: str) -> None:
    status, _, body = ask(site, "GET", path)
    assert status == 404
    assert b"root:" not in body
    assert b"import" not in body


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_only_what_is_meant_is_answered(site: Site, method: str) -> None:
    assert ask(site, method, "/")[0] == 405


def test_long_requests_are_cut_off(site: Site) -> None:
    origin = f"http://{site.host}"
    assert ask(site, "POST", "/enter", body="1" * 100_000, origin=origin)[0] == 413
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as link:
        link.sendall(b"GET / HTTP/1.1\r\nHost: " + site.host.encode() + b"\r\nX: " + b"a" * 100_000)
        assert b" 400 " in link.recv(200)


def flood(page: client.ClientConnection, message: str) -> int:
    """Say it until the server closes the socket; gives the code it closes with."""
    try:
        for _ in range(1000):
            page.send(message)
            page.recv(timeout=5)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 0
    return -1


@pytest.mark.parametrize(
    ("message", "codes"),
    [
        ("x" * 3_000, (1009,)),
        ("x" * 100_000, (1009, 0)),  # 0: what is still on its way resets the connection before the word is read
        ("[1, 2", (1000,)),
        (json.dumps({"c": "setup", "id": "a", "do": "begin"}), (1000,)),
    ],
    ids=["too long", "far too long", "junk", "too fast"],
)
def test_a_page_that_misbehaves_is_closed_alone(
    site: Site, cookie: str, message: str, codes: tuple[int, ...]
) -> None:
    with enter(site, cookie) as quiet, enter(site, cookie) as loud:
        assert flood(loud, message) in codes
        while json.loads(quiet.recv(timeout=5))["k"] != "a":
            pass


def test_a_hundred_sockets_get_eight_places(site: Site, cookie: str) -> None:
    refused = 0
    with contextlib.ExitStack() as inside:
        for _ in range(100):
            try:
                inside.enter_context(enter(site, cookie))
            except InvalidStatus:
                refused += 1
        assert refused == 92
        assert ask(site, "GET", "/")[0] == 200


def test_connections_that_ask_for_nothing_keep_nobody_out(walk: ai.Recording) -> None:
    with serving(walk, speed=0.5, host="0.0.0.0") as site, contextlib.ExitStack() as inside:
        idle = [
            inside.enter_context(socket.create_connection(("127.0.0.1", site.port), timeout=10))
            for _ in range(5 * MOST_OF_ONE)
        ]
        assert idle[-1].recv(1) == b"", "dropped at once"
        idle[0].settimeout(4 * REQUEST_S)
        assert idle[0].recv(1) == b"", "dropped because it asks for nothing"
        assert ask(site, "GET", "/")[0] == 200


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True), ("127.3.2.1", True), ("::1", True), ("localhost", True), ("127.evil.example", False),
        ("0.0.0.0", False), ("::", False), ("192.168.4.1", False), ("0x7f000001", False),
    ],
)  # fmt: skip
def test_a_name_that_looks_like_loopback_is_asked_for_its_code(host: str, is_loopback: bool) -> None:
    assert Bind(host=host).is_loopback is is_loopback


def test_script_in_a_note_stays_text_and_a_word_said_twice_counts_once(site: Site, cookie: str) -> None:
    note = "<script>alert(1)</script>"
    with enter(site, cookie) as page:
        for name, text in (("note-1", note), ("note-1", note), ("note-2", "last")):
            page.send(json.dumps({"c": "mark", "id": name, "kind": "note", "value": text}))
        marks: list[str] = []
        while "last" not in marks:
            message = json.loads(page.recv(timeout=5))
            marks += [message["text"]] if message["k"] == "mark" else []
    assert marks[-2:] == [note, "last"]
    assert marks.count(note) == 1


def test_guessing_ends_after_five(walk: ai.Recording) -> None:
    with serving(walk, speed=0.5, host="0.0.0.0") as site:
        origin = f"http://{site.host}"
        wrong = "000000" if site.code != "000000" else "000001"
        begun = time.monotonic()
        answers = [ask(site, "POST", "/enter", body=wrong, origin=origin)[0] for _ in range(1000)]
        due = TRIES + int((time.monotonic() - begun) * TRIES / TRIES_S)
        assert answers[:TRIES] == [401] * TRIES
        assert set(answers) == {401, 429}
        assert answers.count(401) <= due
        while ask(site, "POST", "/enter", body=wrong, origin=origin)[0] != 429:
            pass
        assert ask(site, "POST", "/enter", body=site.code, origin=origin)[0] == 429
