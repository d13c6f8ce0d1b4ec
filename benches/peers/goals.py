"""What tieout promises of itself, beside its peers: how soon it starts, how large it is, and that neither the number of rows
nor their shape (days, owners, rows of one owner, rows of one second) changes what a row costs.
"""
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import time

import compare

ROOT = pathlib.Path(__file__).resolve().parents[2]
STARTS = 11
M = 1_000_000
SHAPES = {
    "1M rows": dict(rows=M),
    "5M rows": dict(rows=5 * M),
    "5M rows, 365 days": dict(rows=5 * M, days=365),
    "5M rows of 100,000 cards": dict(rows=5 * M, cards=100_000),
    "5M rows of one card": dict(rows=5 * M, cards=1),
    "1M rows of 5 cards": dict(rows=M, cards=5),
    "1M rows of 5 cards, 100,000 in one second": dict(rows=M, cards=5, tied=100_000),
}

JOB = """[job]
name = "start"
window = {{ last_days = 1 }}
[source]
provider = "anytime"
base_url = "http://127.0.0.1:{port}"
username = "me"
client_id = "me"
client_secret = {{ file = "secret" }}
password = {{ file = "secret" }}
private_key = {{ file = "id_rsa.pem" }}
"""


def first_request_ms(tieout, folder):
    """Milliseconds from the start of the process to the first byte that it sends."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        (folder / "start.toml").write_text(JOB.format(port=server.getsockname()[1]))
        began = time.perf_counter()
        child = subprocess.Popen(
            [tieout, "run", folder / "start.toml", "--out", folder / "out-start"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        connection, _ = server.accept()
        with connection:
            connection.recv(1)
            took_ms = (time.perf_counter() - began) * 1e3
            child.kill()
            child.wait()
        return took_ms


def start(tieout, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {"secret": "secret", "id_rsa.pem": (ROOT / "tests/fixtures/keys/id_rsa.pem").read_text()}.items():
        (folder / name).write_text(text)
        os.chmod(folder / name, 0o600)
    return statistics.median(first_request_ms(tieout, folder) for _ in range(STARTS))


def measure(asked, generator):
    print(f"- start to first request: {start(asked.tieout, asked.work):.1f} ms (goal: 30)")
    print(f"- binary: {os.path.getsize(asked.tieout) / 1e6:.1f} MB (goal: 25)\n")
    print(compare.HEADER)
    for name, shape in SHAPES.items():
        compare.make(generator, asked.work, **shape)
        pairs = compare.Contest(asked.tieout, asked.work).rounds([], asked.rounds)
        print(*compare.lines(name, shape["rows"], pairs), sep="\n", flush=True)
        print(f"{name}: done", file=sys.stderr)
