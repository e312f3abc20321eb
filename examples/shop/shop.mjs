// A shop's side of klarna-order-worker in Node 18 or newer, without packages: node shop.mjs
// Copy `worker`, `signedIn` and `checkout` into your shop. The rest is a small server to try them with.
import { createServer } from "node:http";
import { randomUUID, timingSafeEqual } from "node:crypto";

const { KLARNA_WORKER_URL: url = "http://127.0.0.1:8080", KLARNA_WORKER_KEY: key = "", PORT: port = 3000 } = process.env;
const merchant = "shop"; // the merchant's section in the worker's settings

async function worker(method, path, body, headers = {}) {
  const answer = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(40_000), // must be longer than the wait below
  });
  // The answer's body says what is wrong. After a 503, the same request can be sent again.
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.status === 204 ? undefined : answer.json();
}

// Call this after each sign-in. From now on the worker keeps the refresh token. Do not store it or use it yourself.
const signedIn = (user, refreshToken) =>
  worker("PUT", `/v1/merchants/${merchant}/users/${encodeURIComponent(user)}/token`, { refresh_token: refreshToken });

// Call this on the checkout page. The cart's id is the idempotency key, so reloading the page does not order twice.
async function checkout(user, cart) {
  const order = await worker("POST", "/v1/orders", { merchant, user, order: cart.order }, { "idempotency-key": cart.id });
  const settled = ["submitted", "failed", "cancelled"].includes(order.status);
  return settled ? order : worker("GET", `/v1/orders/${order.id}?wait=25s`);
}

// Replace this with your shop's session, cart and anti-forgery token.
const line = { name: "T-shirt", quantity: 5, unit_price: 10000, tax_rate: 2500, total_amount: 50000, total_tax_amount: 10000 };
const order = { purchase_country: "SE", purchase_currency: "SEK", locale: "sv-SE", order_amount: 50000, order_tax_amount: 10000, order_lines: [line] };
const session = { user: process.env.SHOP_USER ?? "alma", state: randomUUID(), cart: { id: randomUUID(), order } };
const equal = (a, b) => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

createServer(async (request, response) => {
  const end = (status, text) => response.writeHead(status, { "content-type": "text/html; charset=utf-8" }).end(text);
  try {
    if (request.url === "/") return end(200, `<div id="klarna-sign-in" data-state="${session.state}"></div>`);
    if (request.url === "/klarna/signed-in" && request.method === "POST") {
      const sent = JSON.parse(await new Response(request).text()); // what the page posts from Klarna's `signin` event
      if (!equal(String(sent.state), session.state)) return end(403, "This sign-in was not started here.");
      await signedIn(session.user, sent.refresh_token);
      return end(204);
    }
    if (request.url !== "/checkout") return end(404, "Not found.");
    const order = await checkout(session.user, session.cart);
    if (order.session?.phase === "completed") return end(200, "Thank you. Your order is paid.");
    if (order.status === "submitted") return end(200, order.html_snippet);
    if (order.status === "queued" || order.status === "running") return end(202, "Your order is not ready yet. <a href>Try again</a>, or pay another way.");
    session.cart.id = randomUUID(); // The order failed or was cancelled: the next visit makes a new one.
    end(502, "Klarna does not take this order. Please pay another way.");
  } catch (error) {
    console.error(error.message);
    end(502, "Klarna is not available at the moment. Please pay another way.");
  }
}).listen(Number(port), "127.0.0.1");
