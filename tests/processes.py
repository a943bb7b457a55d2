"""Processes that behave like those of `subprocess`, but are forked from one that has the libraries imported."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Start(NamedTuple):
    """The start of a process: `files` are its standard files, `not_its` the other ends of its pipes."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    folder: str
    files: Sequence[int]
    not_its: Sequence[int]
    new_session: bool


class Begun(subprocess.Popen):
    """A `Popen` whose process is begun by `begin`, with the pipes and files that were asked for."""

    def begin(self, start: Start) -> int:
        """Begin the process; returns it."""
        raise NotImplementedError

    def _execute_child(
        self,
        args: Sequence[str],
        _executable: Any,
        _preexec: Any,
        _close: Any,
        _pass: Any,
        cwd: Any,
        env: Mapping[str, str] | None,
        _startup: Any,
        _flags: Any,
        _shell: Any,
        *pipes_and_rest: Any,
    ) -> None:
        pipes, (_, _, _, _, _, new_session, *_) = pipes_and_rest[:6], pipes_and_rest[6:]
        read_in, write_in, read_out, write_out, read_error, write_error = pipes
        files = [
            standard if one == -1 else one for standard, one in enumerate((read_in, write_out, write_error))
        ]
        not_its = [one for one in (write_in, read_out, read_error) if one != -1]
        environment = dict(os.environ if env is None else env)
        folder = os.fspath(cwd or Path.cwd())
        try:
            self.pid = self.begin(Start(args[1:], environment, folder, files, not_its, new_session))
            self._child_created = True
        finally:
            self._close_pipe_fds(*pipes)
