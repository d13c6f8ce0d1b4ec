"""tieout and its peers in turn on the same pages: the same job, the same answers, and what each takes for it.

benches/run calls it; `--help` tells the options. Ratios are taken pair by pair (tieout, a peer, tieout, the next peer, …),
so that a machine that becomes slower does so for both, and their median is told. Figures are those that the kernel keeps of
a whole process, its start included.
"""
import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
PEERS = {"duckdb": ["duck.py"], "duckdb-exact": ["duck.py", "--exact"], "polars": ["polar.py"]}


class Took:
    """What a run took."""

    def __init__(self, wall_s, usage):
        self.wall_s, self.cpu_s, self.peak_mb = wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def run(command, codes=(0,)):
    """Runs a command to its end. What others left to be written is written before, so that no one waits for it."""
    os.sync()
    began = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    told = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall_s = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in codes:
        sys.exit(f"{command} ended with {child.returncode}:\n{told.decode()}")
    return Took(wall_s, usage)


class Contest:
    """The engines over one folder of pages."""

    def __init__(self, tieout, folder):
        self.tieout, self.folder, self.out = tieout, folder, folder / "out"

    def run(self, engine):
        shutil.rmtree(self.out, ignore_errors=True)
        if engine == "tieout":
            # 3: committed, with open breaks.
            return run([self.tieout, "run", self.folder / "job.toml", "--out", self.out], codes=(0, 3))
        script, *options = PEERS[engine]
        return run([sys.executable, HERE / script, self.folder / "pages", self.out, *options])

    def check(self, engine):
        """Whether it found what was planted, and the sums. In a process of its own: a child's peak counts its parent's."""
        check = subprocess.run([sys.executable, HERE / "check.py", self.folder, engine], capture_output=True, text=True)
        if check.returncode != 0:
            sys.exit(f"{engine}: {check.stdout}{check.stderr}")
        return check.stdout.strip()

    def once(self, engine):
        took = self.run(engine)
        print(f"{engine}: {self.check(engine)}", file=sys.stderr)
        return took

    def rounds(self, peers, rounds):
        """Pairs of (tieout, peer) for each peer; the first runs are checked, and not counted."""
        for engine in ["tieout", *peers]:
            self.once(engine)
        if not peers:
            return {"tieout": [(self.run("tieout"),) * 2 for _ in range(rounds)]}
        pairs = {peer: [] for peer in peers}
        for _ in range(rounds):
            for peer in peers:
                pairs[peer].append((self.run("tieout"), self.run(peer)))
        return pairs


def line(name, rows, runs, ratios):
    median = lambda of: statistics.median(map(of, runs))
    cpu_s = median(lambda took: took.cpu_s)
    told = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})" if ratios else ""
    wall_s, peak_mb = median(lambda took: took.wall_s), median(lambda took: took.peak_mb)
    return f"| {name} | {rows:,} | {wall_s:.2f} | {told} | {cpu_s:.2f} | {cpu_s / rows * 1e6:.2f} | {peak_mb:.0f} |"


HEADER = (
    "| | rows | wall s | × tieout's wall | CPU s | µs CPU a row | peak MB |\n| --- | --- | --- | --- | --- | --- | --- |"
)


def lines(name, rows, pairs):
    """The lines of a table."""
    ours = [tieout for of_peer in pairs.values() for tieout, _ in of_peer]
    yield line(name, rows, ours, [])
    for peer, of_peer in pairs.items():
        if peer != "tieout":
            ratios = [theirs.wall_s / tieout.wall_s for tieout, theirs in of_peer]
            yield line(peer, rows, [theirs for _, theirs in of_peer], ratios)


def make(generator, folder, **options):
    """Makes pages with the generator; seconds."""
    shutil.rmtree(folder, ignore_errors=True)
    told = [word for name, value in options.items() if value is not None for word in (f"--{name}", str(value))]
    began = time.perf_counter()
    subprocess.run([*generator, folder, *told], check=True)
    return time.perf_counter() - began


def count(text):
    """Rows as 20k or 5M."""
    factor = {"k": 1_000, "M": 1_000_000}.get(text[-1], 1)
    return int(text.rstrip("kM")) * factor


def arguments():
    parser = argparse.ArgumentParser(prog="benches/run", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("rows", nargs="*", type=count, help="such as 100k 1M 5M, which is the default")
    parser.add_argument("--peers", default=",".join(PEERS), help="of duckdb,duckdb-exact,polars; '' for tieout alone")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each pair, after one that is checked and not counted")
    parser.add_argument("--cards", type=int, help="among which the rows are shared out; 1000")
    parser.add_argument("--days", type=int, help="with rows, each a partition; 31")
    parser.add_argument("--tied", type=int, help="rows of one card that share a second; 0")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--goals", action="store_true", help="tieout alone: start, size, and books of every shape")
    parser.add_argument("--keep", action="store_true", help="leave the pages and the last output there")
    parser.add_argument("--tieout", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--generator", help=argparse.SUPPRESS)
    parser.add_argument("--work", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    asked = arguments()
    peers = [peer for peer in asked.peers.split(",") if peer]
    if asked.check:
        # The pages are there, and nothing is measured.
        for engine in ["tieout", *peers]:
            Contest(asked.tieout, asked.work).once(engine)
        return
    generator = asked.generator.split()
    if asked.goals:
        import goals

        goals.measure(asked, generator)
        return
    print(HEADER)
    for rows in asked.rows or [100_000, 1_000_000, 5_000_000]:
        took_s = make(generator, asked.work, rows=rows, cards=asked.cards, days=asked.days, tied=asked.tied, seed=asked.seed)
        print(f"{rows:,} rows made in {took_s:.1f} s", file=sys.stderr)
        pairs = Contest(asked.tieout, asked.work).rounds(peers, asked.rounds)
        print(*lines("tieout", rows, pairs), sep="\n", flush=True)
    if not asked.keep:
        shutil.rmtree(asked.work)


if __name__ == "__main__":
    main()
