"""Shows FOLDER/account.jsonl: consumer, version, format, rows loaded, what failed. Exit status 1: something failed."""
import collections
import json
import os
import sys

with open(os.path.join(sys.argv[1], "account.jsonl"), encoding="utf-8") as f:
    lines = [json.loads(line) for line in f]
detailed = "--all" in sys.argv
by = collections.defaultdict(list)
for line in lines:
    by[line["consumer"], line["version"]].append(line)
print("| consumer | version | checks | rows loaded | bad files judged alike | known to differ | failed | skipped |")
print("|---|---|---|---|---|---|---|---|")
for (consumer, version), of in by.items():
    def count(result, bad):
        return sum(x["result"] == result and x["what"].startswith("bad:") == bad for x in of)

    rows = sum(x["rows"] or 0 for x in of if x["result"] == "ok")
    print(f"| {consumer} | {version} | {count('ok', False)} | {rows} | {count('ok', True)} | {count('known', True)} "
          f"| {sum(x['result'] == 'failed' for x in of)} | {sum(x['result'] == 'skipped' for x in of)} |")
for x in lines:
    if detailed or x["result"] != "ok":
        print(f"{x['result']}: {x['consumer']} {x['version']}: {x['what']}"
              + (f", {x['rows']} rows" if x["rows"] is not None else "") + (f": {x['detail']}" if x["detail"] else ""))
sys.exit(any(x["result"] == "failed" for x in lines))
