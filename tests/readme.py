"""Runs a page's `sh` blocks, in one shell, and compares what the page shows of their output: the `text` block behind it.

    readme.py PAGE [HEADING COMMANDS]...

A block behind a comment `<!--not-run-->` is left out. COMMANDS are run before the first block below HEADING: they do what
the page asks the reader to do there with an editor. An ellipsis in the page stands for anything. Ids, times, ports and white
space may differ.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

PATIENCE = 300  # seconds for all commands together


def blocks(page, preparations):
    """The blocks that are run: the line of each, its commands, and the output that the page shows behind it."""
    found, fence, body, before, is_run, prepare = [], None, [], "", False, []
    for number, line in enumerate(page.splitlines(), 1):
        if fence is None and line.startswith("```"):
            fence, body, begin = line[3:], [], number
        elif line == "```":
            if fence == "sh":
                is_run = before != "<!--not-run-->"
                if is_run:
                    found.append((begin, "\n".join(prepare + body), ""))
                    prepare = []
            elif fence == "text" and is_run:
                found[-1] = (*found[-1][:2], "\n".join(body))
            fence = None
        elif fence is not None:
            body.append(line)
        else:
            if line.startswith("#"):
                prepare = preparations.pop(line.lstrip("# "), "").splitlines()
            before = line
            # Output stands directly behind its commands.
            is_run = is_run and not line.strip()
    return found


def script(listed, folder):
    """One script for all: each block's output goes to a file, and the first command that fails ends it."""
    parts = ["set -e", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"]
    for at, (_, commands, _) in enumerate(listed):
        parts.append(f"echo {at} >'{folder}/at'")
        parts.append(f"{{\n{commands}\n}} >'{folder}/{at}' 2>&1")
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
    page, *pairs = sys.argv[1:]
    preparations = dict(zip(pairs[::2], pairs[1::2], strict=True))
    listed = blocks(pathlib.Path(page).read_text(), preparations)
    assert listed, "the page has no block with commands"
    assert not preparations, f"the page has no headings {list(preparations)}"
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        run = subprocess.run(["bash", "-c", script(listed, folder)], timeout=PATIENCE, check=False)
        reached = int((folder / "at").read_text())
        faults = []
        for at, (number, commands, shown) in enumerate(listed[: reached + 1]):
            printed = (folder / str(at)).read_text()
            missing = differs(shown, printed)
            print(f"line {number}:\n{commands}")
            if missing is not None:
                faults.append(f"line {number}: not printed: {missing}\nprinted:\n{printed}")
        if run.returncode != 0:
            printed = (folder / str(reached)).read_text()[-4000:]
            faults.append(f"line {listed[reached][0]}: ended with {run.returncode} and printed:\n{printed}")
    sys.exit("\n".join(faults) or None)


if __name__ == "__main__":
    main()
