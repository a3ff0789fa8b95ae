"""Runs a command for as long as standard input stays open.

The test process holds the other end of the pipe, so the command and all it
started end with that process, even when it is killed.
"""

import os
import signal
import subprocess
import sys
import threading

signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
command = subprocess.Popen(
    sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True
)


def end(*_):
    try:
        os.killpg(command.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def follow():
    code = command.wait()
    end()
    os._exit(code if code >= 0 else 128 - code)


def pass_on(number):
    """Has the command get a signal that would stop or wake us as well."""
    return lambda *_: os.killpg(command.pid, number)


signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGUSR1, pass_on(signal.SIGSTOP))
signal.signal(signal.SIGUSR2, pass_on(signal.SIGCONT))
follower = threading.Thread(target=follow)
follower.start()
sys.stdin.buffer.read()
end()
follower.join()
