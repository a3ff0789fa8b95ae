"""The same work in Python's Prefect and in flowkit, against the same server, and what the server has afterwards.

    python bench.py --ours target/release/prefect [WORK:COUNT ...]

PREFECT_API_URL names the server. Without it, a server with a new database is started for the time of the run. With
`--ephemeral`, there is none: Python's Prefect starts its own beside each process, and flowkit keeps runs in memory.
Each measurement is a process of its own and one line of JSON:

    flow_s        what the flow took, seen from the program that calls it
    process_s     from the start of the process to its end, delivery and all
    at_exit       task runs of that flow run that the server has when the process has ended, by state
    afterwards    the same once nothing has changed for a while, and `afterwards_s` after which time that was reached
    logs          log lines of that flow run that the server has then

Both sides run with their default settings, and their output goes to the null device.
"""

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

WORK = ["hello:1", "sequential:1000", "map:1000", "map:10000"]

# How often `hello` is measured; the rest is measured once, since it takes minutes.
HELLOS = 5

# How long the server's numbers have to stay as they are to count as its last word, and how long that is waited for.
SETTLED_S = 20
PATIENCE_S = 900


def work(kind: str, count: int) -> None:
    """Does the work in Prefect, as a user would write it, and prints which flow run did it."""
    from prefect import flow, get_run_logger, task
    from prefect.context import FlowRunContext

    @task
    def noop(n: int) -> int:
        return n

    @task
    def greet() -> None:
        get_run_logger().info("Hello!")

    def own_id() -> str:
        return str(FlowRunContext.get().flow_run.id)

    @flow
    def sequential(count: int) -> str:
        for n in range(count):
            noop(n)
        return own_id()

    @flow
    def mapped(count: int) -> str:
        noop.map(range(count)).result()
        return own_id()

    @flow
    def hello(count: int) -> str:
        greet()
        return own_id()

    call = {"sequential": sequential, "map": mapped, "hello": hello}[kind]
    begun = time.perf_counter()
    run = call(count)
    print(json.dumps({"flow_run": run, "flow_s": round(time.perf_counter() - begun, 4)}), flush=True)


def post(url: str, path: str, body: dict):
    request = urllib.request.Request(url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    # After a large map a server on SQLite is busy for minutes.
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


def stored(url: str, run: str) -> dict:
    """Task runs of a flow run that the server has, by state."""
    of_run = {"flow_run_id": {"any_": [run]}}
    found = {"all": post(url, "/task_runs/count", {"task_runs": of_run})}
    for state in ["COMPLETED", "RUNNING", "PENDING", "SCHEDULED", "FAILED", "CRASHED", "CANCELLED"]:
        in_state = {**of_run, "state": {"type": {"any_": [state]}}}
        if count := post(url, "/task_runs/count", {"task_runs": in_state}):
            found[state.lower()] = count
    return found


def logs(url: str, run: str) -> int:
    """Log lines of a flow run that the server has: there is no count to ask for."""
    count = 0
    while True:
        query = {"logs": {"flow_run_id": {"any_": [run]}}, "limit": 200, "offset": count}
        page = len(post(url, "/logs/filter", query))
        count += page
        if page < 200:
            return count


def settled(url: str, run: str) -> tuple[dict, float]:
    """What the server has once that changes no longer, and after how many seconds it had that."""
    begun = changed = time.monotonic()
    last = stored(url, run)
    while time.monotonic() - changed < SETTLED_S and time.monotonic() - begun < PATIENCE_S:
        time.sleep(1)
        if (now := stored(url, run)) != last:
            last, changed = now, time.monotonic()
    return last, changed - begun


def measure(command: list[str], environment: dict) -> dict:
    begun = time.perf_counter()
    ended = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    taken = time.perf_counter() - begun
    if ended.returncode != 0:
        sys.exit(f"{command} ended with {ended.returncode}")
    said = json.loads(next(line for line in ended.stdout.splitlines() if line.startswith("{")))
    return {**said, "process_s": round(taken, 4)}


def compare(pieces: list[str], ours: str | None, environment: dict, url: str | None) -> None:
    sides = {"python": [sys.executable, __file__, "work"]}
    if ours:
        sides["flowkit"] = [ours]
    for piece in pieces:
        kind, count = piece.split(":")
        for side, command in sides.items():
            repeats = HELLOS if kind == "hello" else 1
            taken = [measure([*command, kind, count], environment) for _ in range(repeats)]
            row = {"name": f"{kind} {count}", "side": side, "repeats": repeats}
            for what in ["flow_s", "process_s"]:
                row[what] = statistics.median(one[what] for one in taken)
            if url:
                run = taken[-1]["flow_run"]
                row["at_exit"] = stored(url, run)
                row["afterwards"], seconds = settled(url, run)
                row["afterwards_s"] = round(seconds, 1)
                row["logs"] = logs(url, run)
            print(json.dumps(row), flush=True)


class Server:
    """A server with a new database, for as long as the `with` lasts."""

    def __init__(self, home: str):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/api"
        self.environment = settings(home) | {"PREFECT_SERVER_UI_ENABLED": "false"}

    def __enter__(self) -> str:
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(self.port)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, env=self.environment, start_new_session=True, **quiet)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(self.url + "/health", timeout=5).close()
                return self.url
            except OSError:
                time.sleep(0.5)
        self.__exit__()
        sys.exit("the server is not healthy after two minutes")

    def __exit__(self, *_) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)


def settings(home: str) -> dict:
    """An environment without the caller's own Prefect settings and profiles."""
    own = ("PREFECT_", "FLOWKIT_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return environment | {"PREFECT_HOME": home, "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}


def main() -> None:
    if sys.argv[1:2] == ["work"]:
        return work(sys.argv[2], int(sys.argv[3]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", nargs="*", default=WORK, help=f"what to do and how often; default: {' '.join(WORK)}")
    parser.add_argument("--ours", metavar="PROGRAM", help="flowkit's side: the bench `prefect`, built for release")
    parser.add_argument("--ephemeral", action="store_true", help="without a server")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flowkit-bench-", ignore_cleanup_errors=True) as home:
        environment = settings(home)
        if given.ephemeral:
            return compare(given.work, given.ours, environment, None)
        if url := os.environ.get("PREFECT_API_URL"):
            return compare(given.work, given.ours, environment | {"PREFECT_API_URL": url}, url)
        with Server(home) as url:
            compare(given.work, given.ours, environment | {"PREFECT_API_URL": url}, url)


if __name__ == "__main__":
    main()
