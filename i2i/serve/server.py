"""The server: on loopback unless told otherwise, without share links, telemetry, or files from elsewhere."""

from __future__ import annotations

import errno
import ipaddress
import socket
from typing import Any

from i2i.core.errors import I2IError
from i2i.core.extras import needs
from i2i.serve.library import gradio
from i2i.serve.worker import Limits

PURPOSE = "for the web page"
NAMES = ("localhost", "127.0.0.1", "[::1]")
"""What a browser on this machine may call it: another name is a page from elsewhere that points here."""
STYLE = """
.gradio-container { width: 100%; max-width: 1200px !important; margin: auto; }
#gallery .grid-container { grid-template-columns: repeat(auto-fill, minmax(7em, 1fr)) !important; }
"""


def listen(host: str, port: int) -> socket.socket:
    """Take a port; 0 is any that is free.

    Raises:
        I2IError: it is taken, or the host is not this machine.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family)
    except (OSError, OverflowError) as error:
        elsewhere = isinstance(error, socket.gaierror) or getattr(error, "errno", 0) == errno.EADDRNOTAVAIL
        hint = (
            "name an address of this machine with --host"
            if elsewhere
            else "name another with --port, or --port 0 for any that is free"
        )
        raise I2IError(f"{host}:{port} cannot be listened on: {_why(error)}; {hint}") from error


def address(listener: socket.socket) -> str:
    """Where the page is."""
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def on_loopback(listener: socket.socket) -> bool:
    """Whether only this machine reaches it."""
    return ipaddress.ip_address(listener.getsockname()[0]).is_loopback


def announcement(listener: socket.socket) -> str:
    """What to tell whoever starts the server."""
    told = f"The page is at {address(listener)} (Ctrl-C ends it)"
    if on_loopback(listener):
        return told
    return f"{told}\nEverybody who reaches this machine over the network can use it: there is no password."


def serve(page: Any, listener: socket.socket, limits: Limits | None = None) -> None:
    """Serve a page until Ctrl-C.

    Args:
        page: as `build_page` gives it.
        listener: as `listen` gives it.
        limits: those of the page.

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """
    uvicorn = needs("uvicorn", "serve", PURPOSE)
    settings = uvicorn.Config(
        application(page, listener, limits or Limits()), log_level="warning", timeout_graceful_shutdown=1
    )
    uvicorn.Server(settings).run(sockets=[listener])


def application(page: Any, listener: socket.socket, limits: Limits) -> Any:
    """The page as a web application."""
    gr = gradio()
    fastapi = needs("fastapi", "serve", PURPOSE)
    app = fastapi.FastAPI(openapi_url=None)
    if on_loopback(listener):
        hosts = needs("starlette.middleware.trustedhost", "serve", PURPOSE)
        app.add_middleware(hosts.TrustedHostMiddleware, allowed_hosts=[*NAMES, listener.getsockname()[0]])
    host, port, *_ = listener.getsockname()
    return gr.mount_gradio_app(
        app,
        page,
        path="/",
        server_name=host,
        server_port=port,
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=limits.upload,
        ssr_mode=False,
        enable_monitoring=False,
        mcp_server=False,
        theme=gr.themes.Base().set(block_info_text_color="*neutral_500"),
        css=STYLE,
    )


def _why(error: Exception) -> str:
    if not isinstance(error, OSError):
        return str(error)
    return (error.strerror or str(error)).partition(" (while")[0].lower()  # Python adds the address
