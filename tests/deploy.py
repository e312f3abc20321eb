"""What deploy/ must say beyond its formats. tests/deploy.sh calls it in the project's folder, with that of the image's
build context, what a build of the image gets to see of the project, with a file for the variables of deploy/try, and with a folder for
what `kubectl apply -k` would apply."""

import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tomllib

import compose_spec
import yaml

faults = []


def must(holds, what):
    if not holds:
        faults.append(what)


def read(path):
    return pathlib.Path(path).read_text()


def seconds(text):
    return int(re.fullmatch(r"(\d+)s", text).group(1))


grace = seconds(re.search(r'^#shutdown_grace = "(.+)"$', read("config.toml"), re.M).group(1))
version = tomllib.loads(read("Cargo.toml"))["workspace"]["package"]["version"]
# Connections get 2 s to close, and the machine some to get there.
CLOSE = 10

settings_probes = re.search(r'^probes = (.+)$', read("deploy/settings.toml"), re.M).group(1)

# Each variable that the settings name has a place in secrets.env.
named = set(re.findall(r'^\w*env = "(\w+)"$', read("deploy/settings.toml"), re.M))
given = set(re.findall(r"^(\w+)=", read("deploy/secrets.env.example"), re.M))
must(named <= given, f"deploy/secrets.env.example lacks {named - given}")

# Only compose.yaml, whose database is on the same machine, speaks to it without TLS. The others take this file, too.
url = re.search(r"^KLARNA_WORKER__DATABASE__URL=(.+)$", read("deploy/secrets.env.example"), re.M).group(1)
must("sslmode" not in url, "deploy/secrets.env.example: its connection may be without TLS")
for name in ("worker", "migrate"):
    environment = yaml.safe_load(re.sub(r"\$\{\w+:-(.+)\}", r"\1", read("deploy/compose.yaml")))["services"][name]["environment"]
    must(environment == {"PGSSLMODE": "disable"}, f"deploy/compose.yaml: the environment of {name} is {environment}")

for path, own in {"deploy/compose.yaml": ("worker", "migrate"), "deploy/try/compose.yaml": ("worker", "migrate", "sandbox")}.items():
    # As without the variables, which PyCompose does not know.
    compose = yaml.safe_load(re.sub(r"\$\{\w+:-(.+)\}", r"\1", read(path)))
    # PyYAML has resolved the merge keys; the model refuses what it does not know.
    compose_spec.PyCompose.from_json(json.dumps(compose)).validate()
    worker = compose["services"]["worker"]
    must(seconds(worker["stop_grace_period"]) >= grace + CLOSE, f"{path}: stop_grace_period is shorter than the drain")
    for name in own:
        service = compose["services"][name]
        hardened = service["read_only"] and service["cap_drop"] == ["ALL"] and "no-new-privileges:true" in service["security_opt"]
        must(hardened, f"{path}: {name} is not locked down")
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            there = source in compose["volumes"] or (pathlib.Path(path).parent / source).exists()
            must(there, f"{path}: {name} mounts {source}, which is not there")

# Images of others can be named by their digest, and for a release have to be. What a tag stands for can change.
for path in ("deploy/Containerfile", "deploy/sandbox.Containerfile"):
    bases = re.findall(r"^FROM (\S+)", read(path), re.M)
    must(bases == ["${RUST_IMAGE}", "scratch"], f"{path}: its base images are {bases}")
for name, service in yaml.safe_load(read("deploy/compose.yaml"))["services"].items():
    must(re.fullmatch(r"klarna-order-worker|\$\{\w+:-.+\}", service["image"]), f"deploy/compose.yaml: the image of {name} has a fixed tag")
release = yaml.safe_load(read(".github/workflows/release.yml"))["jobs"]
refusal = {"run": 'deploy/by-digest.sh "$RUST_IMAGE"', "env": {"RUST_IMAGE": "${{ vars.RUST_IMAGE }}"}}
must(refusal in release["images"]["steps"] and release["packages"]["needs"] == "images", "release.yml does not ask for a digest")
must(release["packages"]["container"]["image"] == "${{ vars.RUST_IMAGE }}", "release.yml builds in another image")
for image, is_fit in {
    "docker.io/library/rust@sha256:" + "0a" * 32: True, "localhost:5000/rust:1.95@sha256:" + "0a" * 32: True,
    "docker.io/library/rust:1.95-bookworm": False, "rust": False, "": False, "rust@sha256:" + "0a" * 31: False,
    "rust@sha256:" + "0a" * 32 + "\nrust": False,
}.items():
    ran = subprocess.run(["deploy/by-digest.sh", image], capture_output=True, check=False)
    must((ran.returncode == 0) == is_fit, f"deploy/by-digest.sh exits with {ran.returncode} for {image!r}")

# The parts of deploy/try find each other.
(scraped,) = yaml.safe_load(read("deploy/try/prometheus.yaml"))["scrape_configs"][0]["static_configs"][0]["targets"]
must(scraped == f'{worker["network_mode"].removeprefix("service:")}{settings_probes.strip(chr(34)).removeprefix("0.0.0.0")}',
     f"deploy/try/prometheus.yaml scrapes {scraped}")
(source,) = yaml.safe_load(read("deploy/try/grafana-datasource.yaml"))["datasources"]
must(source["url"] == "http://prometheus:9090" and "prometheus" in compose["services"], "deploy/try: Grafana asks another address")
for name in ("SHOP", "OPERATOR"):
    place = {"SHOP": 0, "OPERATOR": 1}[name]
    key = re.search(rf"the {name.lower()}'s API key: +(\S+)$", read("deploy/try/compose.yaml"), re.M).group(1)
    digest = worker["environment"][f"KLARNA_WORKER__SERVER__API_KEYS__{place}__KEY_SHA256"]
    must(hashlib.sha256(key.encode()).hexdigest() == digest, f"deploy/try/compose.yaml: the {name.lower()}'s key has another hash")
# tests/deploy.sh gives them to the program.
pathlib.Path(sys.argv[2]).write_text("".join(f"{name}={value}\n" for name, value in worker["environment"].items()))

# Applied by itself, a file would bring the image by its tag.
for path in [*pathlib.Path("deploy/kubernetes").iterdir(), *pathlib.Path("docs").glob("*.md")]:
    must(not re.search(r"apply\b.* -f deploy", path.read_text()), f"{path} applies a file without the image's digest")

# A process gets no new variables while it runs, and a file that is mounted by itself stays the old one when it is replaced.
settings = tomllib.loads(read("deploy/settings.toml"))
must(settings["server"].get("reload_on_change"), "deploy/settings.toml: a change needs a restart, or a command in each process")
etc = "/etc/klarna-order-worker"
for name, merchant in settings["merchants"].items():
    by_variable = [key for key in merchant if key.endswith("_env")]
    must(not by_variable, f"deploy/settings.toml: {name} has its secrets in variables, {by_variable}")
    for key in [key for key in merchant if key.endswith("_file")]:
        must(merchant[key].startswith(f"{etc}/"), f"deploy/settings.toml: {name}.{key} is in no folder that is mounted")
for name in ("worker", "migrate"):
    volumes = yaml.safe_load(read("deploy/compose.yaml"))["services"][name]["volumes"]
    must(f".:{etc}:ro" in volumes, f"deploy/compose.yaml: {name} does not mount the folder of its settings")

# What `kubectl apply -k` would apply.
built = {}
for folder in ("deploy/kubernetes", "deploy/kubernetes-autoscale"):
    ran = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        sys.exit(f"kubectl kustomize {folder}: {ran.stderr}")
    resources = {(made["kind"], made["metadata"]["name"]): made for made in yaml.safe_load_all(ran.stdout) if made}
    must(all(re.search(r"@sha256:[0-9a-f]{64}$", image) for image in re.findall(r"image: (\S+)", ran.stdout)),
         f"{folder}: an image without its digest")
    built[folder] = resources
    pathlib.Path(sys.argv[3], folder.replace("/", "-") + ".yaml").write_text(ran.stdout)
plain, scaled = built.values()
workers = ("StatefulSet", "klarna-order-worker")
must("replicas" in plain[workers]["spec"], "deploy/kubernetes: it does not say how many workers there are")
must("replicas" not in scaled[workers]["spec"], "deploy/kubernetes-autoscale: applying it undoes the scaling")
must("replicas" in scaled["Deployment", "klarna-order-worker-api"]["spec"], "deploy/kubernetes-autoscale: nothing scales the pods of the API")
(scaler,) = [made["spec"] for (kind, _), made in scaled.items() if kind == "HorizontalPodAutoscaler"]
target = scaler["scaleTargetRef"]
must((target["kind"], target["name"]) == workers, f"deploy/kubernetes-autoscale scales {target}")
must(scaler["minReplicas"] == plain[workers]["spec"]["replicas"], "deploy/kubernetes-autoscale: other workers at least than without it")
must(scaled.keys() - plain.keys() == {("HorizontalPodAutoscaler", "klarna-order-worker")}, "deploy/kubernetes-autoscale adds more")

kustomization = yaml.safe_load(read("deploy/kubernetes/kustomization.yml"))
must(all(image["digest"].startswith("sha256:") for image in kustomization["images"]), "kustomization.yml: an image without digest")
for resource in kustomization["resources"]:
    must(pathlib.Path("deploy/kubernetes", resource).exists(), f"kustomization.yml names {resource}")
# What it leaves out is named in its comments: somebody has to want it.
left_out = {path.name for path in pathlib.Path("deploy/kubernetes").glob("*.yaml")} - set(kustomization["resources"])
for name in left_out:
    must(name in read("deploy/kubernetes/kustomization.yml"), f"kustomization.yml does not say why it leaves out {name}")
# Each port is open to whom it is for.
(probes_policy, api_policy) = yaml.safe_load_all(read("deploy/kubernetes/network.yaml"))
must("from" in probes_policy["spec"]["ingress"][0], "network.yaml: everybody reaches the probes")
must(f':{probes_policy["spec"]["ingress"][0]["ports"][0]["port"]}"' in settings_probes, "network.yaml: another port of the probes")
must(api_policy["spec"]["ingress"] == [{"ports": [{"port": 8080}]}], "network.yaml: the API's port is not what is open")

for unit in pathlib.Path("deploy/systemd").glob("*.service"):
    if "klarna-order-worker migrate " in unit.read_text():
        continue  # It drains nothing.
    stop = re.search(r"^TimeoutStopSec=(\S+)$", unit.read_text(), re.M).group(1)
    must(seconds(stop) >= grace + CLOSE, f"{unit}: TimeoutStopSec is shorter than the drain")

for path in sorted(pathlib.Path("deploy/kubernetes").glob("*.yaml")):
    for resource in yaml.safe_load_all(path.read_text()):
        kind, spec = resource["kind"], resource["spec"]
        if kind == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if "template" not in spec:
            continue
        where, pod = f"{path}: {kind}", spec["template"]["spec"]
        if "selector" in spec:
            chosen = spec["selector"]["matchLabels"].items()
            must(chosen <= spec["template"]["metadata"]["labels"].items(), f"{where} does not select its own pods")
        must(pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == 65532, f"{where} runs as root")
        must(pod["automountServiceAccountToken"] is False, f"{where} is given the cluster's API")
        (container,) = pod["containers"]
        secret = f'klarna-order-worker-{container["args"][0] if "--roles" not in container["args"] else container["name"]}'
        must(container["envFrom"] == [{"secretRef": {"name": secret}}], f"{where} has not the secret of its role, {secret}")
        must(container["image"] == f"klarna-order-worker:{version}", f"{where} runs another version than {version}")
        context = container["securityContext"]
        locked = context["readOnlyRootFilesystem"] and not context["allowPrivilegeEscalation"]
        must(locked and context["capabilities"] == {"drop": ["ALL"]}, f"{where} is not locked down")
        must("limits" in container["resources"], f"{where} has no limits")
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        claimed = {claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", [])}
        there = {volume["name"] for volume in pod["volumes"]} | claimed
        must(mounted == there, f"{where} mounts {mounted} of {there}")
        (mount,) = [mount for mount in container["volumeMounts"] if mount["name"] == "settings"]
        must(mount["mountPath"] == etc and "subPath" not in mount, f"{where} does not see that its settings change")
        (volume,) = [volume for volume in pod["volumes"] if volume["name"] == "settings"]
        sources = [{"configMap": {"name": "klarna-order-worker"}}, {"secret": {"name": "klarna-order-worker-keys"}}]
        must(volume.get("projected") == {"defaultMode": 0o440, "sources": sources}, f"{where} has its settings from elsewhere")
        if container["args"][0] != "migrate":
            before = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            patience = pod["terminationGracePeriodSeconds"]
            must(patience >= before + grace + CLOSE, f"{where}: {patience} s do not fit the drain")
        if container["args"][0] == "serve":
            probes = {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}
            found = {probe: container[probe]["httpGet"]["path"] for probe in probes}
            must(found == probes, f"{where}: probes are {found}")
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            must({container[probe]["httpGet"]["port"] for probe in probes} == {"probes"}, f"{where}: not probed at server.probes")
            must(f':{ports["probes"]}"' in settings_probes, f"{where}: server.probes is another port in settings.toml")
            must(("api" in container["args"][2]) == ("http" in ports), f"{where}: its ports are not those of its roles")

# What the sources take in besides themselves.
context = pathlib.Path(sys.argv[1])
needed = {pathlib.Path(path) for path in ("Cargo.lock", "migrations/postgres", "migrations/sqlite", "deploy/image.sh")}
for source in pathlib.Path("src").rglob("*.rs"):
    if "tests" not in source.with_suffix("").parts:
        included = re.findall(r'include_(?:str|bytes)!\(\s*"([^"]+)"', source.read_text())
        needed |= {(source.parent / path).resolve().relative_to(pathlib.Path.cwd()) for path in included}
for path in needed:
    must((context / path).exists(), f".dockerignore keeps {path} out of the image's build")
for path in ("target", "data", ".git"):
    must(not (context / path).exists(), f".dockerignore lets {path} into the image's build")

for fault in faults:
    print(fault, file=sys.stderr)
sys.exit(bool(faults))
