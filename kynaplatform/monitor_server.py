"""A server with threads of its own, which answers monitors while a process's other threads wait."""

from collections.abc import Iterable
from socket import AF_INET, AF_INET6
from socketserver import TCPServer, ThreadingMixIn
from threading import BoundedSemaphore, Thread
from typing import Any, Final
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.db import connections

CLIENT_SECONDS: Final = 5
MAX_CLIENTS: Final = 16
MAX_LINE: Final = 64 * 1024


class MonitorServer(ThreadingMixIn, WSGIServer):
    """Listens from its creation on. Processes forked later share it."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int) -> None:
        self._free = BoundedSemaphore(MAX_CLIENTS)
        self.address_family = AF_INET6 if ":" in host else AF_INET
        super().__init__((host, port), _Handler)
        # Another process may have accepted the client already.
        self.socket.setblocking(False)

    def begin(self, application: WSGIApplication) -> None:
        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            body = application(environ, start_response)
            return [] if environ["REQUEST_METHOD"] == "HEAD" else body

        self.set_app(answer)
        Thread(target=self.serve_forever, name="monitors", daemon=True).start()

    def server_bind(self) -> None:
        # HTTPServer's own looks up the name of the address, which may take long.
        TCPServer.server_bind(self)
        host, self.server_port = self.server_address[:2]
        self.server_name = str(host)
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread can be started
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            connections.close_all()
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores clients that leave or don't speak HTTP."""


class _Handler(WSGIRequestHandler):
    timeout = CLIENT_SECONDS

    def handle(self) -> None:
        self.raw_requestline = self.rfile.readline(MAX_LINE)
        if self.parse_request():
            environ = self.get_environ()
            run = _Run(self.rfile, self.wfile, self.get_stderr(), environ)  # type: ignore[arg-type]
            run.request_handler = self  # type: ignore[attr-defined]
            run.run(self.server.get_app())  # type: ignore[attr-defined]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Monitors' requests aren't logged."""


class _Run(ServerHandler):
    # The version of Python is nobody's business.
    server_software = None  # type: ignore[assignment]

    def log_exception(self, exc_info: Any) -> None:
        """Applications log their own faults; the rest are clients that left."""
