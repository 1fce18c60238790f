"""Runs the coordinator for a call, from its launch to its report. It and its workers end with this process."""

from __future__ import annotations

import codecs
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import IO, Any

from . import _call, _installed
from ._deferral import Deferral
from ._reasons import Reasons
from ._report import Report

# Seconds until a coordinator that was told to end is killed. It gives its workers 5 s.
_PATIENCE = 15

# Milliseconds between two looks for a second Ctrl-C.
_LOOK = 100

_BLOCK = 1 << 16

# After less than so many bytes from workers it rests for so many seconds, so that more come together.
_FEW, _REST = 512, 0.001

# What a worker runs.
_START = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_start.py")

# Bytes of stderr that are kept, for the error of a run that fails.
_MOST_KEPT = 1 << 16


class Coordinator:
    """A coordinator, which runs from its entering. Leaving it ends it."""

    def __init__(
        self,
        options: list[str],
        call: _call.Call,
        reasons: Reasons,
        *,
        progress: bool,
        inherited: tuple[int, ...] = (),
        ear: int | None = None,
    ) -> None:
        """Workers inherit `inherited`. `ear` is the reading end of a pipe on which they tell what results are there."""
        worker = [*_call.arguments_of_this_interpreter(), "-P", _START]
        arguments = [f"--worker-arg={argument}" for argument in worker]
        command = [_installed.coordinator(), "run", "--split", f"--worker={_call.interpreter()}", *arguments]
        command += ["--kernel=call", *options]
        command += ["--delay=0", "--format=json", "--keep=never", f"--end-with={os.getpid()}"]
        # Whoever lists segments sees whose it is.
        command.append(f"--name=killproof-{os.getpid()}-{os.urandom(4).hex()}")
        command += ["--progress=auto"] if progress else ["--progress=none", "--quiet"]
        self._command = command
        self._options: dict[str, Any] = {
            "stderr": None if _is_stderr_direct() else subprocess.PIPE,
            "pass_fds": (call.descriptor, reasons.descriptor, *inherited),
            "env": {
                **os.environ,
                call.DESCRIPTOR: str(call.descriptor),
                reasons.DESCRIPTOR: str(reasons.descriptor),
            },
        }
        self._caller = os.getpid()
        self._ear = ear
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = -1
        self._stdout = bytearray()
        self._stderr = bytearray()

    def __enter__(self) -> Coordinator:
        try:
            with Deferral():
                # In a session of its own: a terminal's Ctrl-C is for this process, which passes it on, and workers that
                # use the terminal are not stopped.
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    start_new_session=True,
                    **self._options,
                )
                self._ended = os.pidfd_open(self._process.pid)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is None:
            return
        try:
            # A forked child closes what it has of its parent's call, and no more.
            if self._caller == os.getpid():
                self._end(self._process)
        finally:
            if self._ended >= 0:
                os.close(self._ended)
            for stream in _streams(self._process):
                stream.close()

    def wait(self) -> Report:
        """Waits until the run has ended."""
        for _ in self.listen():
            pass
        return self.report()

    def listen(self) -> Iterator[bytes]:
        """What workers tell, until the run has ended."""
        assert self._process is not None
        stdout, *stderr = [stream.fileno() for stream in _streams(self._process)]
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        poll = self._poll(self._process)
        is_over = False
        while not is_over:
            # Not the end of the pipes: a process that another thread has forked may hold them open.
            is_over = any(descriptor == self._ended for descriptor, _ in poll.poll())
            while ready := [descriptor for descriptor, _ in poll.poll(0) if descriptor != self._ended]:
                for descriptor in ready:
                    block = os.read(descriptor, _BLOCK)
                    if not block:
                        poll.unregister(descriptor)
                    elif descriptor == self._ear:
                        yield block
                        if len(block) < _FEW:
                            # To wake for each of many short items would cost more than they do.
                            time.sleep(_REST)
                    elif descriptor == stdout:
                        self._stdout += block
                    elif descriptor in stderr:
                        _show(decoder.decode(block))
                        self._stderr += block
                        del self._stderr[:-_MOST_KEPT]

    def report(self) -> Report:
        """How the run ended, after `listen`."""
        assert self._process is not None
        return Report(self._process.wait(), bytes(self._stdout), bytes(self._stderr))

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Ends the run, and waits until it and its workers are gone. A second Ctrl-C kills the workers at once."""
        deadline = time.monotonic() + _PATIENCE
        poll = self._poll(process)
        with Deferral() as deferral:
            asked = -1
            while process.poll() is None:
                if asked < deferral.count:
                    asked = deferral.count
                    process.send_signal(_ending_signal())
                if time.monotonic() > deadline:
                    process.kill()
                # What it says is read meanwhile: it must not wait for a reader.
                for descriptor, _ in poll.poll(_LOOK):
                    if descriptor != self._ended and not os.read(descriptor, _BLOCK):
                        poll.unregister(descriptor)

    def _poll(self, process: subprocess.Popen[bytes]) -> select.poll:
        poll = select.poll()
        descriptors = [self._ended, *(stream.fileno() for stream in _streams(process))]
        for descriptor in [*descriptors, *([] if self._ear is None else [self._ear])]:
            if descriptor >= 0:
                poll.register(descriptor, select.POLLIN)
        return poll


def _streams(process: subprocess.Popen[bytes]) -> list[IO[bytes]]:
    return [stream for stream in (process.stdout, process.stderr) if stream is not None]


def _ending_signal() -> signal.Signals:
    """One that the coordinator does not ignore: it does ignore what this process does."""
    ending = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    return next((number for number in ending if signal.getsignal(number) != signal.SIG_IGN), signal.SIGKILL)


def _is_stderr_direct() -> bool:
    """Whether what the coordinator writes on its stderr is seen where `sys.stderr` is."""
    try:
        return sys.stderr.fileno() == 2
    except (AttributeError, OSError, ValueError):
        return False


def _show(text: str) -> None:
    """Shows it in a notebook, or wherever else `sys.stderr` goes."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        # `sys.stderr` is closed, or None.
        pass
