"""The web side: a few files read once, one code, one socket. No path of a request reaches the file system."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from ankle_imu.live.door import COOKIE, Door, is_own_host, is_own_origin
from ankle_imu.live.hub import Hub, Page
from ankle_imu.live.words import LONGEST_BYTES

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import HTTPConnection, Request
    from starlette.responses import Response
    from starlette.websockets import WebSocket

FILES: Final[Mapping[str, tuple[str, str]]] = {
    "/live.css": ("live.css", "text/css; charset=utf-8"),
    "/live.js": ("live.js", "text/javascript; charset=utf-8"),
    "/strip.js": ("strip.js", "text/javascript; charset=utf-8"),
    "/link.js": ("link.js", "text/javascript; charset=utf-8"),
    "/voice.js": ("voice.js", "text/javascript; charset=utf-8"),
    "/practice.css": ("practice.css", "text/css; charset=utf-8"),
    "/practice.js": ("practice.js", "text/javascript; charset=utf-8"),
}
"""Address -> file and its type; what lies at `/` is the front of the server."""

LONGEST_CODE: Final = 64
_SHUT: Final = b'<html lang="en">'
_OPEN: Final = b'<html lang="en" data-in="yes">'
_HOST: Final = re.compile(r"[0-9A-Za-z.\-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


def build(door: Door, hub: Hub, front: str = "live.html") -> Starlette:
    """Give the application.

    Parameters
    ----------
    door : Door
    hub : Hub
    front : file that is given at the address itself
    """
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route, WebSocketRoute
    from starlette.websockets import WebSocketDisconnect

    folder = files("ankle_imu.live") / "page"
    given = {"/": (front, "text/html; charset=utf-8"), **FILES}
    bodies = {path: (folder.joinpath(name).read_bytes(), kind) for path, (name, kind) in given.items()}

    async def give(request: Request) -> Response:
        refusal = _refused(request, is_needed=False)
        if refusal:
            return Response(refusal, 403, _headers(""))
        path = request.url.path
        body, kind = bodies[path]
        if path == "/" and door.knows(request.cookies.get(COOKIE, "")):
            body = body.replace(_SHUT, _OPEN, 1)  # saves the page a question before its first drawing
        return Response(body, headers=_headers(request.headers["host"]), media_type=kind)

    async def may_enter(request: Request) -> Response:
        if refusal := _refused(request, is_needed=False):
            return Response(refusal, 403, _headers(""))
        is_in = door.knows(request.cookies.get(COOKIE, ""))
        return JSONResponse({"in": is_in}, headers=_headers(request.headers["host"]))

    async def enter(request: Request) -> Response:
        if refusal := _refused(request, is_needed=True):
            return Response(refusal, 403, _headers(""))
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > LONGEST_CODE:
                return Response("A code has six digits.", 413, _headers(""))
        token = door.enter(body.decode("utf-8", "replace").strip(), _address(request))
        if token is None:
            return Response("Too many tries; wait a minute.", 429, _headers(""))
        if not token and door.code:
            return Response("This is not the code in the terminal.", 401, _headers(""))
        response = JSONResponse({"in": True}, headers=_headers(request.headers["host"]))
        if token:
            response.set_cookie(COOKIE, token, httponly=True, samesite="strict", path="/")
        return response

    async def attend(socket: WebSocket) -> None:
        is_welcome = not _refused(socket, is_needed=True) and door.knows(socket.cookies.get(COOKIE, ""))
        address = _address(socket)
        if not is_welcome or not hub.has_room(address):
            await socket.close(1008 if not is_welcome else 1013)
            return
        await socket.accept()
        await hub.attend(Page(socket.send_text, address, time.monotonic), lambda: _receive(socket))
        with suppress(RuntimeError, WebSocketDisconnect):  # it was closed from the other side
            await socket.close(1000)

    routes: list[Any] = [Route(path, give, methods=["GET"]) for path in bodies]
    routes += [Route("/enter", may_enter, methods=["GET"]), Route("/enter", enter, methods=["POST"])]
    return Starlette(routes=[*routes, WebSocketRoute("/socket", attend)])


async def _receive(socket: WebSocket) -> str | bytes | None:
    """The next message, cut where it is too long to be one; None when the page is gone."""
    message = await socket.receive()
    if message["type"] != "websocket.receive":
        return None
    text = message.get("text")
    return (text if text is not None else message.get("bytes") or b"")[: LONGEST_BYTES + 1]


def _refused(request: HTTPConnection, *, is_needed: bool) -> str:
    """Why a request is not ours to answer, "" when it is."""
    host, origin = request.headers.get("host", ""), request.headers.get("origin", "")
    if not _HOST.fullmatch(host) or not is_own_host(host):
        return "This server answers to its address alone."
    if not is_own_origin(origin, host, is_needed=is_needed):
        return "This request comes from another page."
    return ""


def _address(request: HTTPConnection) -> str:
    return request.client.host if request.client else ""


def _headers(host: str) -> dict[str, str]:
    """Headers of every answer; old browsers do not count the own socket among `'self'`."""
    socket = f" ws://{host}" if host else ""
    policy = (
        f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'{socket}; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
