"""Prints what tests/growth.sh measured, as tables in Markdown: growth.py FOLDER SIZE…

For each statement: what its plan reads, and at each size the buffers (pages of 8 KB), milliseconds and rows read of a call.
`power` is x if the buffers grow as the number of orders to the power of x: 0 means not at all, 1 as fast as the tables.
Statements have the names of src/store/sql. The others are lists and searches, whose conditions depend on the request.
"""

import json
import math
import pathlib
import re
import sys

SOURCES = pathlib.Path(__file__).parent.parent / "src/store/sql/postgres"
folder, sizes = pathlib.Path(sys.argv[1]), sys.argv[2:]


def plain(query):
    """A statement as the module that counts statements and the one that logs plans both know it."""
    query = re.sub(r"'(?:[^']|'')*'", "?", query)
    query = re.sub(r"extract\(\w+ FROM", "extract(? FROM", query)
    query = re.sub(r"\$\d+|\b\d+(?:\.\d+)?\b", "?", query)
    query = re.sub(r"\b(?:true|false)\b", "?", query, flags=re.IGNORECASE)
    query = re.sub(r"(?<!IS )(?<!IS NOT )\bNULL\b", "?", query)
    query = re.sub(r"(?:::\w+(?:\[\])?)|-(?=\s*\?)", "", query)
    return re.sub(r"\s+", " ", query.replace("klarna_worker.", "")).strip().rstrip(";")


names = {}
for source in sorted(SOURCES.glob("*.rs")):
    text = source.read_text()
    for name, statement in re.findall(r'(?m)^\s*(\w+)(?::\s*| = )"((?:[^"\\]|\\.)*)"[,;]', text):
        name = name if name.isupper() else f"{source.stem}.{name}"
        names.setdefault(plain(statement.replace('\\"', '"')), name)


def label(query):
    query = plain(query)
    if query in names:
        return names[query]
    condition = query.partition(" WHERE id IN (")[2] or query
    return condition if len(condition) <= 130 else f"{condition[:110]}… ({len(query)})"


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


KINDS = {"Seq Scan": "table", "Index Scan": "", "Index Only Scan": "only ", "Bitmap Index Scan": "bitmap of "}


def reads(plan):
    """What a plan reads: an index or a whole table, with the number of rows."""
    kind = plan["Node Type"]
    if kind in KINDS and plan.get("Actual Loops"):
        rows = sum(plan.get(key, 0) for key in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck"))
        what = KINDS[kind] + ("" if kind == "Seq Scan" else plan["Index Name"])
        yield f"table {plan['Relation Name']}" if kind == "Seq Scan" else what, rows * plan["Actual Loops"]
    for inner in plan.get("Plans", []):
        yield from reads(inner)


def power(rows):
    """By the smallest and the largest size at which the statement was called."""
    have = [size for size in sizes if size in rows]
    if len(have) < 2:
        return 0
    first, last = (max(rows[size]["buffers"], 1) for size in (have[0], have[-1]))
    return math.log(last / first) / math.log(int(have[-1]) / int(have[0]))


costs, read = {}, {}
for size in sizes:
    for row in json.loads((folder / f"{size}.json").read_text()):
        sums = costs.setdefault(label(row["query"]), {}).setdefault(size, {"calls": 0, "ms": 0, "buffers": 0})
        calls = sums["calls"] + row["calls"]
        for key in ("ms", "buffers"):
            sums[key] = (sums[key] * sums["calls"] + row[key] * row["calls"]) / calls
        sums["calls"] = calls
    log = (folder / f"{size}.log").read_text(errors="replace").rpartition(f"growth_{size} begins\n")[2]
    for query, plan in plans(log):
        of_statement = read.setdefault(label(query), {})
        found = list(reads(plan))
        for what, rows in found:
            of_statement.setdefault(what, {})[size] = max(rows, of_statement.get(what, {}).get(size, 0))

largest = sizes[-1]
heads = ["statement", "reads (rows of the longest call)", *(f"{int(size):,}: buffers, ms" for size in sizes), "power"]
print("| " + " | ".join(heads) + " |")
print("|" + "---|" * len(heads))
for name, rows in sorted(costs.items(), key=lambda cost: (-round(power(cost[1]), 1), cost[0])):
    figures = [f"{rows[size]['buffers']:.0f}, {rows[size]['ms']:.2f}" if size in rows else "" for size in sizes]
    plan = ", ".join(
        f"{what} ({' '.join(str(int(by_size.get(size, 0))) for size in sizes)})"
        for what, by_size in sorted(read.get(name, {}).items(), key=lambda item: -item[1].get(largest, 0))
    )
    print("| " + " | ".join([f"`{name}`", plan, *figures, f"{power(rows):.1f}"]).replace("\n", " ") + " |")
print()
print(f"{len(costs)} statements; those with a power of 0.3 or more grow with the tables:")
for name, rows in costs.items():
    if power(rows) >= 0.3 and largest in rows and rows[largest]["buffers"] > 200:
        print(f"- {name}: {rows[largest]['buffers']:.0f} buffers, {rows[largest]['ms']:.1f} ms, {rows[largest]['calls']} calls")
print()
print("whole tables of more than a thousand rows are read by:")
for name, tables in sorted(read.items()):
    for what, by_size in tables.items():
        if what.startswith("table ") and max(by_size.values()) > 1000:
            print(f"- {name}: {what} ({', '.join(f'{int(rows)} rows at {size}' for size, rows in by_size.items())})")
