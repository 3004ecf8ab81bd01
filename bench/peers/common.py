"""What the Python peers share: the work, how many do it at once, and the figures.

The work of one chunk is that of a bare script: put the prompt together, send it, parse the answer and the JSON in it,
append one line a pair to a JSON Lines file. No retries of our own, no ledger, no checks.
"""

import argparse
import asyncio
import json
import resource
import time


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--chunks", required=True, help="JSON Lines with id and content")
    parser.add_argument("--template", required=True, help="a request of the program for the first chunk")
    parser.add_argument("--output", required=True)
    parser.add_argument("--in-flight", type=int, default=1024)
    return parser.parse_args()


class Work:
    """The requests of a run. Bodies differ from the program's own by the chunk alone."""

    def __init__(self, options):
        with open(options.template, encoding="utf-8") as file:
            self.body = json.load(file)
        with open(options.chunks, encoding="utf-8") as file:
            self.chunks = [json.loads(line) for line in file]
        user = self.body["messages"][-1]["content"]
        self.before, found, self.after = user.partition(self.chunks[0]["content"])
        if not found:
            raise SystemExit("the template is not a request for the first chunk")

    def request(self, chunk):
        content = self.before + chunk["content"] + self.after
        return {**self.body, "messages": [self.body["messages"][0], {"role": "user", "content": content}]}


async def run(options, work, ask):
    """Has in_flight workers take chunk after chunk; `ask` sends a request and returns the text of the answer."""
    counts = {"requests": 0, "pairs": 0, "errors": 0}
    chunks = iter(work.chunks)
    with open(options.output, "w", encoding="utf-8") as output:

        async def worker():
            for chunk in chunks:
                try:
                    pairs = json.loads(await ask(work.request(chunk)))["pairs"]
                except Exception as error:  # a peer that fails is a result, not a crash
                    counts["errors"] += 1
                    counts["last_error"] = repr(error)
                    continue
                counts["requests"] += 1
                for pair in pairs:
                    row = {"question": pair["question"], "answer": pair["answer"], "chunk_id": chunk["id"]}
                    output.write(json.dumps(row, ensure_ascii=False) + "\n")
                    counts["pairs"] += 1

        begin = time.monotonic()
        await asyncio.gather(*(worker() for _ in range(options.in_flight)))
        counts["seconds"] = round(time.monotonic() - begin, 3)
    return counts


def main(session):
    """Runs `session(options, work)`, which returns the counts, and prints one line of JSON. CPU is that of the whole
    process, from the start of the interpreter on."""
    options = arguments()
    counts = asyncio.run(session(options, Work(options)))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    counts["user_us"] = round(usage.ru_utime * 1e6)
    counts["sys_us"] = round(usage.ru_stime * 1e6)
    counts["peak_rss_kb"] = usage.ru_maxrss
    print(json.dumps(counts, separators=(",", ":")))
