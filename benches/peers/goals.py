"""What tieout promises of itself, beside its peers: how soon it starts, how large it is, how fast it reads back what landed and
verifies what it wrote, and that neither the number of rows nor their shape (days, owners, rows of one owner, rows of one
second) changes what a row costs.
"""
import contextlib
import json
import os
import pathlib
import shutil
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
name = "goals"
window = {{ {window} }}
[source]
provider = "anytime"
base_url = "{url}"
username = "me"
client_id = "me"
client_secret = {{ file = "secret" }}
password = {{ file = "secret" }}
private_key = {{ file = "id_rsa.pem" }}
"""


def write_secret(folder, name, text):
    (folder / name).write_text(text)
    os.chmod(folder / name, 0o600)


def write_job(folder, window, url):
    """A job in a folder that has a key."""
    write_secret(folder, "secret", "secret")
    (folder / "job.toml").write_text(JOB.format(window=window, url=url))
    return folder / "job.toml"


def first_request_ms(tieout, folder):
    """Milliseconds from the start of the process to the first byte that it sends."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        job = write_job(folder, "last_days = 1", f"http://127.0.0.1:{server.getsockname()[1]}")
        began = time.perf_counter()
        child = subprocess.Popen(
            [tieout, "run", job, "--out", folder / "out-start"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
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
    write_secret(folder, "id_rsa.pem", (ROOT / "tests/fixtures/keys/id_rsa.pem").read_text())
    return statistics.median(first_request_ms(tieout, folder) for _ in range(STARTS))


# Accounts, cards of each, rows of a card: some 1.35 million rows in four feeds.
GENERATED = "20x10x5000"


@contextlib.contextmanager
def sandbox(tieout, folder):
    """A provider; its address."""
    known = ["--keys", ".", "--username", "me", "--client-id", "me", "--client-secret", "secret", "--password", "secret"]
    command = [pathlib.Path(tieout).resolve(), "sandbox", "--generate", GENERATED, *known]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        try:
            yield child.stdout.readline().strip()
        finally:
            child.kill()


def landed(tieout, folder, rounds):
    """Megabytes a second of what landed that a rerun reads back and that `tieout verify` answers for."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    out = folder / "out"
    with sandbox(tieout, folder) as url:
        job = write_job(folder, 'from = "2026-01-01", to = "2026-12-31"', url)
        compare.run([tieout, "run", job, "--out", out], codes=(0, 3))
    (index,) = (out / "raw/_runs").glob("*.ndjson")
    megabytes = sum(json.loads(line).get("bytes", 0) for line in index.open()) / 1e6
    again = lambda n: [tieout, "run", job, "--archive", out / "raw", "--out", folder / f"again-{n}"]
    reruns = [compare.run(again(n), codes=(0, 3)) for n in range(rounds)]
    verifies = [compare.run([tieout, "verify", "--out", out]) for _ in range(rounds)]
    return [megabytes / statistics.median(took.wall_s for took in each) for each in (reruns, verifies)]


def measure(asked, generator):
    print(f"- start to first request: {start(asked.tieout, asked.work):.1f} ms (goal: 30)")
    print(f"- binary: {os.path.getsize(asked.tieout) / 1e6:.1f} MB (goal: 25)")
    rerun, verify = landed(asked.tieout, asked.work, asked.rounds)
    print(f"- rerun from what landed: {rerun:.0f} MB/s, verify: {verify:.0f} MB/s (goal: 300)\n")
    print(compare.HEADER)
    for name, shape in SHAPES.items():
        compare.make(generator, asked.work, **shape)
        pairs = compare.Contest(asked.tieout, asked.work).rounds([], asked.rounds)
        print(*compare.lines(name, shape["rows"], pairs), sep="\n", flush=True)
        print(f"{name}: done", file=sys.stderr)
