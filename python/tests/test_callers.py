"""The coordinator and the workers of `run` and `map` end with the program that has called, however it ends."""

from __future__ import annotations

import os
import pty
import signal
import sys
import time
import venv
from pathlib import Path

from calls import CallCase, command_lines, workers_of
from processes import Script, run_script

# Computes in the way of argv[1], for ever. Says so when a worker has begun.
PROGRAM = """
    import os, signal, sys, threading, time
    import killproof

    def stay(*_):
        open(os.path.join(os.environ["TMPDIR"], "begun"), "w").close()
        while True:
            time.sleep(1000)

    def busy(*_):
        open(os.path.join(os.environ["TMPDIR"], "begun"), "w").close()
        while True:
            pass

    def compute(function=stay):
        killproof.run(function, 100, workers=2, progress=False)

    def tell(*also):
        for name in ("begun", *also):
            while not os.path.exists(os.path.join(os.environ["TMPDIR"], name)):
                time.sleep(0.01)
        print("begun", flush=True)

    if __name__ == "__main__":
        how = sys.argv[1]
        if how != "thread":
            also = ["child"] if how == "forks" else []
            threading.Thread(target=tell, args=also, daemon=True).start()
        try:
            if how == "thread":
                threading.Thread(target=compute, daemon=True).start()
                tell()
                sys.exit(3)
            elif how == "forks":
                # This child has whatever descriptors its parent has at some moment, and lives on.
                def fork():
                    time.sleep(0.05)
                    if not os.fork():
                        for standard in range(3):
                            os.close(standard)
                        child = os.path.join(os.environ["TMPDIR"], "child")
                        with open(child + ".new", "w") as file:
                            print(os.getpid(), file=file)
                        os.rename(child + ".new", child)
                        time.sleep(1000)
                threading.Thread(target=fork).start()
                compute()
            elif how == "map":
                killproof.map(stay, range(10), workers=2, progress=False)
            else:
                compute(busy if how == "busy" else stay)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
            raise
"""

MAPS = """
    import killproof
    if __name__ == "__main__":
        print(killproof.map(abs, [-1], progress=False))
"""

MAPS_LONG = """
    import time
    import killproof
    if __name__ == "__main__":
        killproof.map(abs, [1], progress=False)
        try:
            print("now", flush=True)
            killproof.map(time.sleep, [1000], progress=False)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
            time.sleep(1000)
"""

USES_TERMINAL = """
import os, subprocess, killproof
killproof.map(os.system, ["stty tostop; stty echo </dev/tty; read x </dev/tty; echo words"], progress=False, timeout=30)
print("done")
"""


class ACaller(CallCase):
    def start(self, how: str) -> Script:
        script = self.enterContext(Script(PROGRAM, how))
        self.assertEqual(script.line(), "begun")
        self.assertNotEqual(workers_of(script.process.pid), [])
        return script

    def test_that_is_killed_takes_the_run_with_it(self) -> None:
        for how in ("run", "busy", "map", "forks"):
            with self.subTest(how=how):
                script = self.start(how)
                script.process.kill()
                self.nobody_is_left()
                self.no_segment_is_left(script.process.pid)
                self.forget()
        os.kill(int(Path(self.folder, "child").read_text()), signal.SIGKILL)

    def test_that_is_killed_with_its_coordinator_takes_the_workers_with_it(self) -> None:
        script = self.start("busy")
        workers = workers_of(script.process.pid)
        [coordinator] = {parent_of(worker) for worker in workers}
        # As a killer of a whole control group: nobody can react in between.
        for process in (script.process.pid, coordinator):
            os.kill(process, signal.SIGSTOP)
        for process in (script.process.pid, coordinator):
            os.kill(process, signal.SIGKILL)
        self.nobody_is_left()
        # Nobody was left to remove it. The next start does.
        run_script(MAPS)
        self.no_segment_is_left(script.process.pid)

    def test_that_exits_while_a_thread_computes_takes_the_run_with_it(self) -> None:
        script = self.start("thread")
        self.assertEqual(script.end().returncode, 3)
        self.nobody_is_left()
        self.no_segment_is_left(script.process.pid)

    def test_gets_keyboard_interrupt_when_the_workers_are_gone(self) -> None:
        for how in ("run", "busy", "map"):
            with self.subTest(how=how):
                script = self.start(how)
                workers = workers_of(script.process.pid)
                script.process.send_signal(signal.SIGINT)
                self.assertEqual(script.line(), "interrupted")
                self.assertFalse([worker for worker in workers if is_alive(worker)])
                result = script.end()
                self.assertEqual(result.returncode, -signal.SIGINT)
                self.assertTrue(result.stderr.endswith("KeyboardInterrupt\n"), result.stderr)
                self.no_segment_is_left(script.process.pid)
                self.forget()

    def test_in_a_terminal_gets_keyboard_interrupt_alone(self) -> None:
        # Ctrl-C is for the foreground group, in which neither the coordinator nor the workers are.
        script = self.start("run")
        group = os.getpgid(script.process.pid)
        self.assertNotIn(group, [os.getpgid(worker) for worker in workers_of(script.process.pid)])

    def test_that_is_stopped_by_another_program_gets_what_there_is(self) -> None:
        script = self.start("run")
        [coordinator] = {parent_of(worker) for worker in workers_of(script.process.pid)}
        os.kill(coordinator, signal.SIGKILL)
        result = script.end()
        self.assertIn("RuntimeError: the coordinator was killed by SIGKILL", result.stderr)
        self.nobody_is_left()
        # The next start removes what it has left.
        run_script(MAPS)
        self.no_segment_is_left(script.process.pid)

    def test_may_have_an_interpreter_with_spaces_in_a_long_path(self) -> None:
        folder = Path(self.folder, "a folder with spaces", *["long" * 30] * 5)
        venv.create(folder, with_pip=False, symlinks=True)
        search = os.pathsep.join(path for path in sys.path if path)
        python = str(folder / "bin" / "python3")
        program = f"""
            import sys
            sys.path[:] = {search.split(os.pathsep)!r}
            import killproof
            if __name__ == "__main__":
                assert "spaces" in sys.executable, sys.executable
                print(killproof.map(abs, [-1, 2], progress=False))
        """
        self.assertEqual(run_script(program, python=python), "[1, 2]\n")

    def test_does_not_look_on_the_path_for_the_coordinator(self) -> None:
        trap = Path(self.folder, "coordinator")
        trap.write_text("#!/bin/sh\necho trapped >&2\nexit 1\n")
        trap.chmod(0o755)
        self.set_environment("PATH", self.folder + os.pathsep + os.environ["PATH"])
        self.assertEqual(run_script(MAPS), "[1]\n")

    def test_needs_the_guard_if_it_is_a_script(self) -> None:
        for call in ("run(f, 10, progress=False)", "map(f, [1], progress=False)"):
            program = f"import killproof\ndef f(*_): return 0\nkillproof.{call}\n"
            with self.subTest(call=call), Script(program) as script:
                result = script.end()
                self.assertEqual(result.returncode, 1)
                self.assertIn('put the call under `if __name__ == "__main__":`', result.stderr)

    def test_may_have_closed_its_standard_streams(self) -> None:
        file = Path(self.folder, "result")
        for closed in ([0], [1], [2], [0, 1], [0, 1, 2]):
            program = f"""
                import os, sys
                if __name__ == "__main__":
                    for descriptor in {closed}:
                        os.close(descriptor)
                import killproof
                if __name__ == "__main__":
                    result = killproof.map(abs, [-1, 2], progress=False)
                    open({str(file)!r}, "w").write(str(result))
            """
            with self.subTest(closed=closed), Script(program) as script:
                script.end()
                self.assertEqual(file.read_text(), "[1, 2]")
                file.unlink()

    def test_does_not_leave_a_run_when_ctrl_c_comes_at_its_start(self) -> None:
        for number in range(25):
            with Script(MAPS_LONG) as script:
                self.assertEqual(script.line(), "now")
                time.sleep(number / 500)
                script.process.send_signal(signal.SIGINT)
                self.assertEqual(script.line(), "interrupted")
                self.assertEqual([line for line in command_lines(self.mark) if "--end-with" in line], [])

    def test_in_a_terminal_is_not_stopped_by_workers_that_use_it(self) -> None:
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(sys.executable, [sys.executable, "-c", USES_TERMINAL])
        said = b""
        try:
            while block := os.read(terminal, 1000):
                said += block
        except OSError:
            # Nobody has its other end any more.
            pass
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, said)
        self.assertIn(b"done", said)

    def forget(self) -> None:
        Path(self.folder, "begun").unlink()


def parent_of(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


