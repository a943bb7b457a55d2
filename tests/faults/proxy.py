"""A small TCP proxy in front of a Postgres: the network of a night, to be cut or silenced."""

import socket
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from segmentation.warehouse.db import Database


class Proxy:
    """Forwards 127.0.0.1:`port` to a database's server, until it is told otherwise.

    `cut_after` and `silent_after`: bytes from the server after which the connection is cut, or nothing more
    comes (None: never); they count from when they are set.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.cut_after: int | None = None
        self.silent_after: int | None = None
        self.is_refusing = False
        self.heard = threading.Event()  # set: what comes is forwarded
        self.heard.set()
        self.lines: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def proxied(self) -> Database:
        """The same database, by the proxy."""
        params = {**self.database.params, "host": "127.0.0.1", "port": self.port}
        return replace(self.database, params=params)

    def cut(self) -> None:
        """End every connection; new ones are forwarded."""
        lines, self.lines = self.lines, []
        for line in lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def silence(self) -> None:
        """Let nothing through any more, and keep every connection open."""
        self.heard.clear()

    def resume(self) -> None:
        """Forward again."""
        self.cut_after = self.silent_after = None
        self.is_refusing = False
        self.heard.set()

    def close(self) -> None:
        """No more connections."""
        self.resume()
        self.cut()
        self.listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                if self.is_refusing:
                    client.close()
                    continue
                server = self._server()
                self.lines += [client, server]
                for source, target, is_answer in ((client, server, False), (server, client, True)):
                    threading.Thread(
                        target=self._forward, args=(source, target, is_answer), daemon=True
                    ).start()

    def _server(self) -> socket.socket:
        host, port = self.database.params["host"], self.database.params["port"]
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(Path(host) / f".s.PGSQL.{port}"))
        return server

    def _forward(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 14):
                if is_answer and self.silent_after is not None and self.silent_after < len(data):
                    target.sendall(
                        data[: self.silent_after]
                    )  # the middle of what comes, however it is cut up
                    data = data[self.silent_after :]
                if is_answer:
                    self._count(len(data))
                self.heard.wait()
                target.sendall(data)
        for line in (source, target):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _count(self, size: int) -> None:
        if self.silent_after is not None:
            self.silent_after -= size
            if self.silent_after < 0:
                self.silence()
        if self.cut_after is not None:
            self.cut_after -= size
            if self.cut_after < 0:
                self.cut_after = None
                self.cut()
