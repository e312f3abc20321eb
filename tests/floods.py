"""Floods a service, one kind of flood after the other, and measures orders and health checks meanwhile.

    floods.py API_PORT PROBES_PORT KEY_FILE SECONDS_EACH PROCESS_ID
"""

import asyncio
import json
import multiprocessing
import resource
import sys
import time

ORDERS_A_SECOND = 10
LONGEST_ORDER = 1.0  # seconds, for 99 of 100
LONGEST_LIVEZ = 0.2  # seconds
MOST_MEMORY = 64  # MB that 10,000 connections without a request may take

ORDER = {
    "merchant": "shop",
    "order": {
        "purchase_country": "SE", "purchase_currency": "SEK", "locale": "sv-SE",
        "order_amount": 100, "order_tax_amount": 20,
        "order_lines": [{"name": "A", "quantity": 1, "unit_price": 100, "tax_rate": 2500,
                         "total_amount": 100, "total_tax_amount": 20}],
    },
}


# Connections that a flood has opened, and requests that were answered.
done = multiprocessing.Value("L", 0)


async def connect(port):
    done.value += 1
    return await asyncio.open_connection("127.0.0.1", port)


async def repeat(count, one):
    """Does it so many times at once, again and again."""
    async def forever():
        while True:
            try:
                await one()
            except (OSError, IndexError, asyncio.IncompleteReadError):
                await asyncio.sleep(0.05)
    await asyncio.gather(*(forever() for _ in range(count)))


async def until_closed(port, sent):
    """Sends bytes, and then nothing until the connection is closed."""
    reader, writer = await connect(port)
    writer.write(sent)
    await writer.drain()
    while await reader.read(4096):
        pass
    writer.close()


async def stalled_forms(port):
    """Connections that announce a sign-in form and send one byte of it."""
    form = (b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\nk")
    await repeat(512, lambda: until_closed(port, form))


async def unfinished_heads(port):
    """Connections with heads of 100 KB that never end."""
    await repeat(3000, lambda: until_closed(port, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Filler: " + b"a" * 100_000))


async def idle_sockets(port):
    """Connections that send nothing."""
    await repeat(10_000, lambda: until_closed(port, b""))


async def trickled_heads(port):
    """Connections whose heads never end, with a line each second."""
    async def one():
        reader, writer = await connect(port)
        writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        while not reader.at_eof():
            writer.write(b"X-A: b\r\n")
            await writer.drain()
            await asyncio.sleep(1)
        writer.close()
    await repeat(3000, one)


async def descriptions(port):
    """Requests of the pages that need no key, as fast as they are answered."""
    async def one():
        reader, writer = await connect(port)
        while True:
            for path in ("/docs/", "/openapi.json", "/docs/style.css"):
                writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n".encode())
                await writer.drain()
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                done.value += 1
    await repeat(63, one)


def flood(kind, port):
    """Runs in a process of its own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else 65536, hard))
    asyncio.run(kind(port))


async def request(port, head, body=b""):
    """Sends a request on a connection of its own; returns status and body."""
    reader, writer = await connect(port)
    writer.write(head.encode() + f"Host: 127.0.0.1\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
    await writer.drain()
    answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return (int(head.split()[1]) if head else 0), body


def memory(process):
    """Returns how many MB of memory a process holds."""
    lines = dict(line.split(":", 1) for line in open(f"/proc/{process}/status"))
    return int(lines["VmRSS"].split()[0]) / 1024


async def measure(api, probes, key, seconds, held):
    """Returns how long each order and each health check took, and what was answered otherwise than it should be. Notes in
    `held` how much memory the service holds."""
    orders, livez, wrong = [], {"api": [], "probes": []}, []

    async def order():
        begun = time.monotonic()
        key_line = f"Authorization: Bearer {key}\r\n"
        try:
            post = f"POST /v1/orders HTTP/1.1\r\n{key_line}Content-Type: application/json\r\n"
            # Orders of one user would wait for each other.
            new = json.dumps(ORDER | {"user": f"shopper-{len(tasks)}"}).encode()
            status, body = await asyncio.wait_for(request(api, post, new), 10)
            if status == 202:
                get = f"GET /v1/orders/{json.loads(body)['id']}?wait=5s HTTP/1.1\r\n{key_line}"
                status, body = await asyncio.wait_for(request(api, get), 10)
            if status != 200 or json.loads(body)["status"] != "submitted":
                wrong.append((status, body[-300:]))
        except (OSError, ValueError, KeyError, asyncio.TimeoutError) as error:
            wrong.append(repr(error))
        orders.append(time.monotonic() - begun)

    async def health(name, port):
        while time.monotonic() < end:
            begun = time.monotonic()
            try:
                status, _ = await asyncio.wait_for(request(port, "GET /livez HTTP/1.1\r\n"), 10)
                if status != 200:
                    wrong.append((name, status))
            except (OSError, asyncio.TimeoutError) as error:
                wrong.append((name, repr(error)))
            livez[name].append(time.monotonic() - begun)
            held.append(memory(int(sys.argv[5])))
            await asyncio.sleep(0.1)

    end = time.monotonic() + seconds
    tasks = [asyncio.create_task(health("api", api)), asyncio.create_task(health("probes", probes))]
    while time.monotonic() < end:
        tasks.append(asyncio.create_task(order()))
        await asyncio.sleep(1 / ORDERS_A_SECOND)
    await asyncio.gather(*tasks)
    return orders, livez, wrong


def ms(times, share):
    return round(sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1000)


def main():
    api, probes = int(sys.argv[1]), int(sys.argv[2])
    key, seconds = open(sys.argv[3]).read(), float(sys.argv[4])
    failures = 0
    # Idle ones first: memory that another flood has taken is used again.
    floods = [(None, api), (idle_sockets, api), (stalled_forms, api), (descriptions, api), (unfinished_heads, api),
              (unfinished_heads, probes), (trickled_heads, api)]
    for kind, port in floods:
        name = f"{kind.__name__} at {'the API' if port == api else 'the probes'}" if kind else "no flood"
        before, held = done.value, [memory(int(sys.argv[5]))]
        process = kind and multiprocessing.Process(target=flood, args=(kind, port), daemon=True)
        if process:
            process.start()
            time.sleep(2)
        try:
            orders, livez, wrong = asyncio.run(measure(api, probes, key, seconds, held))
        finally:
            if process:
                process.kill()
                process.join()
        flooded = f"{done.value - before - len(orders) - sum(map(len, livez.values()))} connections or answers; " if kind else ""
        # A stranger's flood of the probes' port may delay its own health checks; the API's must be quick.
        health = livez["api"] if port == probes and kind else livez["api"] + livez["probes"]
        few = kind is not idle_sockets or max(held) - held[0] < MOST_MEMORY
        good = few and not wrong and ms(orders, .99) < LONGEST_ORDER * 1000 and ms(health, .99) < LONGEST_LIVEZ * 1000
        failures += not good
        print(f"{'ok    ' if good else 'FAILED'} {name}: {flooded}{len(orders)} orders, p50 {ms(orders, .5)} ms, p99 {ms(orders, .99)} ms; "
              f"/livez p99 {ms(livez['api'], .99)} ms, at the probes {ms(livez['probes'], .99)} ms; "
              f"memory {held[0]:.0f} MB, at most {max(held):.0f} MB; {len(wrong)} wrong answers {wrong[:3] or ''}",
              flush=True)
        time.sleep(2)
    sys.exit(1 if failures else 0)


main()
