"""Servers to measure, `sikap serve` and `mlflow models serve`, each in a process of its own on a free port of loopback, and the models
that they serve."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from data.codebook import Task
from load import Client

SLOWEST = 300.0  # seconds in which a server has to start


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    address: str
    pid: int

    def ready(self) -> Any:
        """What `sikap serve` says of itself: the models that serve, and its trouble with newer ones."""
        return json.loads(Client(self.address).ask("/readyz")[1])

    @property
    def memory(self) -> float:
        """Resident memory of its processes, in MB."""
        return resident(self.pid)


@contextmanager
def sikap(uri: str) -> Iterator[Server]:
    """`sikap serve` with the champions of a store."""
    with _started(uri, "sikap", "serve", "--port", str(port := _free_port()), port=port) as server:
        yield server


@contextmanager
def mlflow(uri: str, model: str) -> Iterator[Server]:
    """`mlflow models serve` with a model of the same store."""
    port = _free_port()
    command = ("mlflow", "models", "serve", "--model-uri", f"models:/{model}", "--env-manager", "local", "--port", str(port))
    with _started(uri, *command, port=port) as server:
        yield server


def train(uri: str, task: Task, family: str, data: Sequence[Path]) -> None:
    """Train a model into a store."""
    command = [program("sikap"), "train", task.value, "--family", family, *(word for path in data for word in ("--data", str(path)))]
    done = subprocess.run(command, env=environment(uri), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: expected exit code 0, found {done.returncode}\n{done.stderr[-3000:]}")


def program(name: str) -> str:
    """A command that was installed beside this Python."""
    return str(Path(sys.executable).with_name(name))


def resident(pid: int) -> float:
    """Resident memory of a process and all that it started, in MB; what they share counts for each."""
    status = re.search(r"^VmRSS:\s+(\d+) kB", _told(Path(f"/proc/{pid}/status")), re.MULTILINE)
    children = [child for path in Path(f"/proc/{pid}/task").glob("*/children") for child in _told(path).split()]
    return (int(status[1]) * 1024 / 1e6 if status else 0.0) + sum(resident(int(child)) for child in children)


def _told(path: Path) -> str:
    """What the system tells of a process or thread; nothing of one that has ended."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def environment(uri: str) -> dict[str, str]:
    """Of commands on a store."""
    beside = Path(sys.executable).parent  # mlflow looks for uvicorn among the commands
    return os.environ | {"MLFLOW_TRACKING_URI": uri, "HF_HUB_OFFLINE": "1", "PATH": f"{beside}:{os.environ['PATH']}"}


@contextmanager
def _started(uri: str, name: str, *arguments: str, port: int) -> Iterator[Server]:
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [program(name), *arguments], stdout=log, stderr=subprocess.STDOUT, env=environment(uri), start_new_session=True
        )
        try:
            address, began = f"127.0.0.1:{port}", monotonic()
            while Client(address).ask("/ping")[0] != 200:
                if process.poll() is not None or monotonic() - began > SLOWEST:
                    log.seek(0)
                    raise RuntimeError(f"{name} {arguments[0]}: expected a server, found\n{log.read()[-3000:]}")
                sleep(0.2)
            yield Server(address, process.pid)
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a server with all that it started."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
            process.wait(90)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
