"""Asks a Prometheus for what each panel of the dashboard shows, over the time of a run, and names those that show nothing.

    dashboard.py FILE PROMETHEUS [SECONDS]

Without SECONDS a panel may show nothing, and only queries that Prometheus does not understand are named.
"""

import json
import sys
import time
import urllib.parse
import urllib.request

every_panel = len(sys.argv) > 3
seconds = int(sys.argv[3]) if every_panel else 60
dashboard = json.load(open(sys.argv[1]))
faults, asked = [], 0


def samples(expression):
    end = time.time()
    # What Grafana puts in the place of its variables, with every merchant chosen.
    for variable, value in (("$merchant", ".*"), ("$__rate_interval", "30s")):
        expression = expression.replace(variable, value)
    query = {"query": expression, "start": end - seconds, "end": end, "step": 4}
    request = urllib.request.Request(f"{sys.argv[2]}/api/v1/query_range", urllib.parse.urlencode(query).encode())
    try:
        answer = json.load(urllib.request.urlopen(request, timeout=30))
    except urllib.error.HTTPError as error:
        answer = json.load(error)
    if answer["status"] != "success":
        faults.append(f"{expression}: {answer['error']}")
        return []
    return [sample for series in answer["data"]["result"] for sample in series["values"] if sample[1] != "NaN"]


for panel in dashboard["panels"]:
    for target in panel.get("targets", []):
        asked += 1
        if not samples(target["expr"]) and every_panel:
            faults.append(f"{panel['title']}: nothing to show for {target['expr']}")
for annotation in dashboard["annotations"]["list"]:
    if "expr" in annotation and not samples(annotation["expr"]) and every_panel:
        faults.append(f"{annotation['name']}: nothing to show for {annotation['expr']}")
print(f"{asked} questions of the dashboard, {len(faults)} faults")
for fault in faults:
    print(fault, file=sys.stderr)
sys.exit(bool(faults))
