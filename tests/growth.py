"""Prints what tests/growth.sh measured: growth.py FOLDER SIZE…

For each statement: calls, and at each size milliseconds and buffers (pages of 8 KB) of a call. Then those that read a whole
table of more than a thousand rows, by the plans in the log.
"""

import json
import pathlib
import re
import sys

folder, sizes = pathlib.Path(sys.argv[1]), sys.argv[2:]
SMALL = 1000


def short(query):
    return re.sub(r"\s+", " ", re.sub(r"klarna_worker\.", "", query)).strip()[:100]


def plans(log):
    """The plans that auto_explain logged: the text of each statement, and its plan."""
    for block in re.split(r"LOG:  duration: [0-9.]+ ms  plan:\n", log)[1:]:
        lines = []
        for line in block.splitlines():
            if not line.startswith("\t"):
                break
            lines.append(line[1:])
        try:
            found = json.loads("\n".join(lines))
        except ValueError:
            continue
        yield found["Query Text"], found["Plan"]


def scans(plan):
    """The tables that a plan reads as a whole, with the rows of the longest read."""
    if plan["Node Type"] == "Seq Scan":
        read = plan.get("Actual Rows", 0) + plan.get("Rows Removed by Filter", 0)
        if read > SMALL:
            yield plan["Relation Name"], int(read)
    for inner in plan.get("Plans", []):
        yield from scans(inner)


costs, whole = {}, {}
for size in sizes:
    for row in json.loads((folder / f"{size}.json").read_text()):
        costs.setdefault(short(row["query"]), {})[size] = row
    log = (folder / f"{size}.log").read_text(errors="replace").rpartition(f"growth_{size} begins\n")[2]
    for query, plan in plans(log):
        for table, rows in scans(plan):
            seen = whole.setdefault((short(query), table), {})
            seen[size] = max(rows, seen.get(size, 0))

print("\t".join(["calls", *(f"ms at {size}\tbuffers at {size}" for size in sizes), "statement"]))
largest = sizes[-1]
for query, rows in sorted(costs.items(), key=lambda cost: -cost[1].get(largest, {"buffers": 0})["buffers"]):
    figures = []
    for size in sizes:
        row = rows.get(size)
        figures += [f"{row['ms']:.2f}", f"{row['buffers']:.0f}"] if row else ["-", "-"]
    print("\t".join([str(rows.get(largest, next(iter(rows.values())))["calls"]), *figures, query]))
print()
for (query, table), seen in sorted(whole.items()):
    rows = ", ".join(f"{seen[size]} rows at {size}" for size in sizes if size in seen)
    print(f"reads all of {table} ({rows}): {query}")
