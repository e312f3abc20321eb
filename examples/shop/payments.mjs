// A shop that offers Klarna Payments on its own checkout page, in Node 18 or newer, without packages: node payments.mjs
// Copy `session`, and the page's script. `signedIn` in shop.mjs registers refresh tokens.
import { createServer } from "node:http";
import { randomUUID } from "node:crypto";

const { KLARNA_WORKER_URL: url = "http://127.0.0.1:8080", KLARNA_WORKER_KEY: key = "", PORT: port = 3000 } = process.env;
// Your shop places the order at Klarna itself, with the merchant's credentials.
const { KLARNA_API_URL: klarna = "http://127.0.0.1:8090", KLARNA_API_USERNAME: username = "", KLARNA_API_PASSWORD: password = "" } = process.env;
// Klarna's script for the browser. The sandbox has a stand-in for it.
const atKlarna = new URL(klarna).hostname.endsWith(".klarna.com");
const library = atKlarna ? "https://x.klarnacdn.net/kp/lib/v1/api.js" : `${klarna}/sandbox/payments.js`;

async function worker(method, path, body, headers = {}, tries = 3) {
  const answer = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(40_000), // must be longer than the wait below
  });
  if (answer.ok) return answer.json();
  const { status } = answer;
  const text = await answer.text(); // It says what is wrong.
  if (status === 503 && tries > 1) { // Not now: the same request can be sent again.
    const seconds = Math.min(Number(answer.headers.get("retry-after")) || 1, 2);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    return worker(method, path, body, headers, tries - 1);
  }
  throw Object.assign(new Error(`${method} ${path}: ${status} ${text}`), { status });
}

// Call this on the checkout page. The cart's id is the idempotency key, so reloading the page does not make a second session.
async function session(user, cart) {
  const body = { merchant: "shop", user, target: "payments", order: cart.order };
  const order = await worker("POST", "/v1/orders", body, { "idempotency-key": cart.id });
  const settled = ["submitted", "failed", "cancelled"].includes(order.status);
  return settled ? order : worker("GET", `/v1/orders/${order.id}?wait=25s`);
}

// Call this when the shopper has authorised the payment. The order must be the one that the session has.
async function placeOrder(cart, authorization) {
  const answer = await fetch(`${klarna}/payments/v1/authorizations/${encodeURIComponent(authorization)}/order`, {
    method: "POST",
    headers: {
      authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`,
      "content-type": "application/json",
      "klarna-idempotency-key": cart.id, // A request that is repeated places one order.
    },
    body: JSON.stringify(cart.order),
    signal: AbortSignal.timeout(30_000),
  });
  if (!answer.ok) throw new Error(`Klarna: ${answer.status} ${await answer.text()}`);
  return (await answer.json()).order_id;
}

// The client token is for this shopper's browser alone. In a script, "<" must be escaped.
const script = (value) => JSON.stringify(value).replaceAll("<", "\\u003c");
const page = ({ client_token, payment_method_categories: [category] }) => `<!doctype html><title>Checkout</title>
<div id="klarna-payments"></div><button id="pay" hidden>Pay</button>
<script>
  const payment_method_category = ${script(category.identifier)};
  window.klarnaAsyncCallback = () => {
    Klarna.Payments.init({ client_token: ${script(client_token)} });
    Klarna.Payments.load({ container: "#klarna-payments", payment_method_category }, {}, ({ show_form }) => {
      document.getElementById("pay").hidden = !show_form;
    });
    document.getElementById("pay").onclick = () =>
      Klarna.Payments.authorize({ payment_method_category }, {}, async ({ approved, authorization_token }) => {
        if (!approved) return;
        const placed = await fetch("/place-order", { method: "POST", body: authorization_token });
        location.assign(placed.ok ? "/thanks" : "/checkout");
      });
  };
</script>
<script src="${library}" async></script>`;

const line = { name: "T-shirt", quantity: 5, unit_price: 10000, total_amount: 50000 };
const order = { purchase_country: "SE", purchase_currency: "SEK", locale: "sv-SE", order_amount: 50000, order_lines: [line] };
const shopper = { user: process.env.SHOP_USER ?? "alma", cart: { id: randomUUID(), order } };

const unavailable = "Klarna is not available at the moment. Please pay another way.";
const again = "Not ready yet. <a href>Try again</a>, or pay another way.";

async function checkout({ user, cart }) {
  let order;
  try {
    order = await session(user, cart);
  } catch (error) {
    console.error(error.message);
    if (error.status === 503) return [202, again];
    if (error.status === 422) cart.id = randomUUID(); // The same idempotency key with another order would be refused.
    return [502, unavailable];
  }
  if (order.session?.phase === "completed") return [200, "Thank you. Your order is paid."];
  if (order.status === "queued" || order.status === "running") return [202, again];
  if (order.status !== "submitted") cart.id = randomUUID(); // It failed or was cancelled: the next visit makes a new one.
  if (order.payment_method_categories?.length) return [200, page(order)];
  return [502, "Klarna is not available for this order. Please pay another way."];
}

const pages = {
  "GET /": () => [200, `Here is only the <a href="/checkout">checkout</a>.`],
  "GET /checkout": () => checkout(shopper),
  "POST /place-order": async (authorization) => {
    shopper.placed = await placeOrder(shopper.cart, authorization);
    shopper.cart = { ...shopper.cart, id: randomUUID() };
    return [204];
  },
  "GET /thanks": () => (shopper.placed ? [200, `Thank you. Klarna's order is ${shopper.placed}.`] : [404, "There is no order yet."]),
};

createServer(async (request, response) => {
  const answer = pages[`${request.method} ${request.url}`] ?? (() => [404, "There is no such page."]);
  let [status, text] = [502, unavailable];
  try {
    [status, text] = await answer(await new Response(request).text());
  } catch (error) {
    console.error(error.message);
  }
  response.writeHead(status, { "content-type": "text/html; charset=utf-8" }).end(text);
}).listen(Number(port), "127.0.0.1");
