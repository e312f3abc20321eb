// Runs the JavaScript of docs/shops.md, steps 3 to 9, as one shop: from the sign-in to the paid order and its event.
//     node tests/tutorial.mjs WORKER SANDBOX PORT-FOR-WEBHOOKS
// KLARNA_WORKER_API_KEY is the API key, and WEBHOOK_SECRET the merchant's.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const [url, sandbox, port] = process.argv.slice(2);
const read = (path) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const tutorial = read("docs/shops.md").split("\n### 3. ")[1].split("\n### 10. ")[0];
const blocks = [...tutorial.matchAll(/^```jsx?\n(.*?)^```$/gms)].map((found) => found[1]);

// The blocks with the given parts, with the addresses of this test. What a block imports, all of them may use.
const replaced = (text, from, to) => {
  assert(text.includes(from), `docs/shops.md has no ${from}`);
  return text.replaceAll(from, to);
};
function block(part) {
  const found = blocks.filter((text) => text.includes(part));
  assert.equal(found.length, 1, `blocks of docs/shops.md with ${part}`);
  blocks.splice(blocks.indexOf(found[0]), 1);
  return found[0];
}
const page = block("const page =");
const inBrowsers = ["function showSnippet", "function KlarnaCheckout", "const klarna ="].map(block);
new Function(inBrowsers[2]); // It is JavaScript.
const app = read("examples/shop/app.html");
assert(app.includes('const klarna = (action) => window._klarnaCheckout?.((api) => api[action]());'));
const copies = inBrowsers[0].slice(inBrowsers[0].indexOf("for (const script"), inBrowsers[0].indexOf("\n  }\n"));
const flat = (text) => text.replace(/\s+/g, " ").trim();
assert(flat(app).includes(flat(copies)), "examples/shop/app.html shows the snippet otherwise than docs/shops.md");
let server = blocks.join("\n");
const imported = new Set();
server = server.replace(/^import \{ (.*) \} from "node:crypto";\n/gm, (_, names) => {
  names.split(", ").forEach((name) => imported.add(name));
  return "";
});
server = replaced(server, "https://login.playground.klarna.com/eu/lp/idp", `${sandbox}/eu/lp/idp`);
server = replaced(server, "YOUR-CLIENT-ID", "sandbox-client");
server = replaced(server, "https://shop.example/v1/push/shop/THE-PUSH-SECRET", `${url}/v1/push/shop/sandbox-push-secret-of-this-machine`);
const worker = read("examples/shop/shop.mjs").match(/^async function worker\(.*?^}$/ms)[0];
writeFileSync("tutorial-shop.mjs", `import { ${[...imported].join(", ")} } from "node:crypto";
let url = ${JSON.stringify(url)};
export const move = (to) => { url = to; };
const key = process.env.KLARNA_WORKER_API_KEY;
${worker}
const customerOf = (sub) => sub;
const verified = (token) => {
  if (token !== "genuine") throw new Error("not genuine");
  return { sub: "tutorial-sdk" };
};
export const paid = [];
const markPaid = (...order) => paid.push(order);
${server}
const pageOf = (order) => { ${page} return page; };
export { signInAddress, klarnaSignedIn, callback, submit, change, bodyOf, takeEvent, thanks, pageOf, worker };
`);
const shop = await import(pathToFileURL("tutorial-shop.mjs"));

// The webhook endpoint.
const events = [];
createServer(async (request, response) => {
  const text = await new Response(request).text();
  events.push({ headers: request.headers, text });
  response.writeHead(shop.takeEvent(request.headers, text, process.env.WEBHOOK_SECRET)).end();
}).listen(Number(port), "127.0.0.1");

// The sign-in with OpenID Connect.
const session = { user: "guest-1", state: "of-this-session" };
const address = shop.signInAddress(session);
const asked = await (await fetch(address)).text();
const fields = [...asked.matchAll(/name="([^"]+)" value="([^"]*)"/g)].filter(([, name]) => name !== "decision");
const form = new URLSearchParams(fields.map(([, name, value]) => [name, value.replaceAll("&amp;", "&")]));
form.set("decision", "accept");
form.set("account", "tutorial");
const decided = await fetch(`${sandbox}/eu/lp/idp/oauth2/auth`, { method: "POST", body: form, redirect: "manual" });
const query = new URL(decided.headers.get("location")).searchParams;
assert.equal(await shop.callback({ ...session, signIn: undefined }, query), "This sign-in was not started here.");
assert.equal(await shop.callback(session, query), undefined);
assert.notEqual(session.user, "guest-1");

// The sign-in with the SDK.
assert.equal(await shop.klarnaSignedIn(session, { state: "forged", refresh_token: "x" }), 403);
const user = await (await fetch(`${sandbox}/sandbox/users`, { method: "POST", body: '{"user": "tutorial-sdk"}' })).json();
const other = { user: "guest-2", state: "of-this-session" };
const sdk = { state: "of-this-session", refresh_token: user.refresh_token };
await assert.rejects(shop.klarnaSignedIn(other, { ...sdk, id_token: "forged" }), /not genuine/);
assert.equal(other.user, "guest-2");
assert.equal(await shop.klarnaSignedIn(other, { ...sdk, id_token: "genuine" }), 204);
assert.equal(other.user, "tutorial-sdk");

// The order, its page, and a changed cart. A guest who signs in gets a new order for the same cart.
const cart = { quantity: 5 };
const ofGuest = await shop.submit("guest-1", cart, shop.bodyOf(cart));
assert.deepEqual([ofGuest.status, ofGuest.token], ["submitted", "not_registered"]);
const order = await shop.submit(session.user, cart, shop.bodyOf(cart));
assert.deepEqual([order.status, order.token, cart.order], ["submitted", "fresh", order.id]);
assert.notEqual(order.id, ofGuest.id);
assert(shop.pageOf(order).includes("klarna-checkout-container"));
const again = await shop.submit(session.user, cart, shop.bodyOf(cart));
assert.deepEqual([again.id, again.version], [order.id, 1], "the page loaded again");
cart.quantity = 4;
const changed = await shop.submit(session.user, cart, shop.bodyOf(cart));
assert.deepEqual([changed.id, changed.version, changed.order_amount], [order.id, 2, 40_000]);
const sent = cart.sent;
const late = await shop.change(cart, order, shop.bodyOf({ quantity: 3 }));
assert.deepEqual([late.version, late.session.phase, cart.sent], [2, "open", sent], "changed in another window");

// The payment: the confirmation page, and the event. Nobody who may have paid is asked for another payment.
const unconfirmed = /being confirmed. Please do not pay again/;
assert.match(await shop.thanks(cart), unconfirmed);
const pay = ({ klarna_order_id: klarna_id }) => fetch(`${sandbox}/sandbox/pay`, { method: "POST", body: JSON.stringify({ klarna_id }) });
await pay(order);
shop.move("http://127.0.0.1:9");
assert.match(await shop.thanks(cart), unconfirmed, "the service is away");
shop.move(url);
assert((await shop.thanks(cart)).includes("Paid: 400.00 SEK"));
const paid = await shop.submit(session.user, Object.assign(cart, { quantity: 6 }), shop.bodyOf(cart));
assert.deepEqual([paid.id, paid.session.phase], [order.id, "completed"], "a cart that is changed after the payment");

// A window from before the sign-in is paid: the cart gets no other order. Then the window from after it is paid, too.
const both = { quantity: 2 };
const before = await shop.submit("guest-3", both, shop.bodyOf(both));
const after = await shop.submit(session.user, both, shop.bodyOf(both));
assert.deepEqual([both.order, both.earlier], [after.id, [before.id]]);
await pay(before);
shop.move("http://127.0.0.1:9");
await assert.rejects(shop.submit(session.user, both, shop.bodyOf(both)), "the service is away");
assert.match(await shop.thanks(both), unconfirmed);
shop.move(url);
const found = await shop.submit(session.user, both, shop.bodyOf(both));
assert.deepEqual([found.id, found.session.phase], [before.id, "completed"]);
assert(!(await shop.thanks(both)).includes("twice"));
await pay(after);
assert.match(await shop.thanks(both), /Paid: 200.00 SEK.*Paid: 200.00 SEK.*This cart was paid twice/);

const isTold = ({ id }) => shop.paid.some(([paid]) => paid === id);
// The last call about a paid order. One that comes later would take a failure that the next test orders at the sandbox.
const isAcknowledged = async ({ id }) =>
  JSON.stringify(await shop.worker("GET", `/v1/orders/${id}?history=true`)).includes("acknowledged at Klarna");
for (const each of [order, before, after]) {
  for (const ends = Date.now() + 60_000; !isTold(each) || !(await isAcknowledged(each)); ) {
    assert(Date.now() < ends, `not told or not acknowledged within 60 s: ${each.id} ${JSON.stringify(events)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
assert.deepEqual(shop.paid.filter(([id]) => id === order.id), [[order.id, order.klarna_order_id, 40_000]]);
const { headers, text } = events.at(-1);
assert.equal(shop.takeEvent(headers, `${text} `, process.env.WEBHOOK_SECRET), 400, "a body that was changed");
assert.equal(shop.takeEvent({ ...headers, "webhook-timestamp": "1" }, text, process.env.WEBHOOK_SECRET), 400);
process.exit();
