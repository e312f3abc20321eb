"""Runs the commands of a page's `console` blocks, in one shell, and compares what the page shows of their output.

    readme.py PAGE

An ellipsis in the page stands for anything. Ids, times, ports and white space may differ.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

PATIENCE = 300  # seconds for all commands together


def commands(page):
    """The commands, each with its line number and the output that the page shows."""
    found, block = [], None
    for number, line in enumerate(page.splitlines(), 1):
        if line.startswith("```"):
            block = "command" if block is None and line == "```console" else None if block else "other"
        elif block in ("command", "continued", "output"):
            if block == "continued":
                found[-1][1].append(line)
            elif line.startswith("$ "):
                found.append((number, [line[2:]], []))
            elif found:
                found[-1][2].append(line)
            in_command = block == "continued" or line.startswith("$ ")
            block = "continued" if in_command and line.endswith("\\") else "output"
    return [(number, "\n".join(command), "\n".join(output)) for number, command, output in found]


def script(listed, folder):
    """One script for all: each command's output goes to a file, and the first failure ends it."""
    parts = ["fail() { echo \"$1\" >&2; kill $(jobs -p) 2>/dev/null; exit 1; }"]
    for at, (number, command, _) in enumerate(listed):
        parts.append(f"echo {at} >'{folder}/at'")
        parts.append(f"{{\n{command}\n}} >'{folder}/{at}' 2>&1 || fail 'line {number} exited with '$?")
    parts.append("kill $(jobs -p) 2>/dev/null; wait")
    return "\n".join(parts)


def plain(text):
    """Without what differs from run to run."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "ADDRESS", text)
    return re.sub(r"\s+", "", text)


def differs(shown, printed):
    """The first part of what is shown that is not printed, in that order; None if all is."""
    rest = plain(printed)
    for part in filter(None, plain(shown).split("…")):
        _, found, rest = rest.partition(part)
        if not found:
            return part
    return None


def main():
    listed = commands(pathlib.Path(sys.argv[1]).read_text())
    assert listed, "the page has no command"
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        run = subprocess.run(["bash", "-c", script(listed, folder)], timeout=PATIENCE, check=False)
        reached = int((folder / "at").read_text())
        faults = []
        for at, (number, command, shown) in enumerate(listed[: reached + 1]):
            printed = (folder / str(at)).read_text()
            missing = differs(shown, printed)
            print(f"line {number}: $ {command}")
            if missing is not None:
                faults.append(f"line {number}: not printed: {missing}\nprinted:\n{printed}")
        if run.returncode != 0:
            faults.append(f"the last command printed:\n{(folder / str(reached)).read_text()[-4000:]}")
    sys.exit("\n".join(faults) or None)


if __name__ == "__main__":
    main()
