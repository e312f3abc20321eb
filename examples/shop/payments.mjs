// A shop that offers Klarna Payments on its own checkout page, in Node 18 or newer, without packages: node payments.mjs
// Copy `session`, and the page's script. `signedIn` in shop.mjs registers refresh tokens.
import { createServer } from "node:http";
import { randomUUID } from "node:crypto";

const { KLARNA_WORKER_URL: url = "http://127.0.0.1:8080", KLARNA_WORKER_KEY: key = "", PORT: port = 3000 } = process.env;

async function worker(method, path, body, headers = {}) {
  const answer = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(40_000), // must be longer than the wait below
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

// Call this on the checkout page. The cart's id is the idempotency key, so reloading the page does not make a second session.
async function session(user, cart) {
  const body = { merchant: "shop", user, target: "payments", order: cart.order };
  const order = await worker("POST", "/v1/orders", body, { "idempotency-key": cart.id });
  const settled = ["submitted", "failed", "cancelled"].includes(order.status);
  return settled ? order : worker("GET", `/v1/orders/${order.id}?wait=25s`);
}

// The client token is for this shopper's browser alone. In a script, "<" must be escaped.
const script = (value) => JSON.stringify(value).replaceAll("<", "\\u003c");
const page = ({ client_token, payment_method_categories: [category] }) => `<!doctype html><title>Checkout</title>
<div id="klarna-payments"></div><button id="pay" hidden>Pay</button>
<script src="https://x.klarnacdn.net/kp/lib/v1/api.js" async></script>
<script>
  const payment_method_category = ${script(category.identifier)};
  window.klarnaAsyncCallback = () => {
    Klarna.Payments.init({ client_token: ${script(client_token)} });
    Klarna.Payments.load({ container: "#klarna-payments", payment_method_category }, {}, ({ show_form }) => {
      document.getElementById("pay").hidden = !show_form;
    });
    document.getElementById("pay").onclick = () =>
      Klarna.Payments.authorize({ payment_method_category }, {}, ({ approved, authorization_token }) => {
        // Your server places the order with this token: POST {Klarna}/payments/v1/authorizations/{token}/order
        if (approved) fetch("/place-order", { method: "POST", body: authorization_token });
      });
  };
</script>`;

const line = { name: "T-shirt", quantity: 5, unit_price: 10000, total_amount: 50000 };
const order = { purchase_country: "SE", purchase_currency: "SEK", locale: "sv-SE", order_amount: 50000, order_lines: [line] };
const shopper = { user: process.env.SHOP_USER ?? "alma", cart: { id: randomUUID(), order } };

createServer(async (request, response) => {
  const end = (status, text) => response.writeHead(status, { "content-type": "text/html; charset=utf-8" }).end(text);
  if (request.url !== "/checkout") return end(request.url === "/" ? 200 : 404, `Here is only the <a href="/checkout">checkout</a>.`);
  try {
    const order = await session(shopper.user, shopper.cart);
    if (order.session?.phase === "completed") return end(200, "Thank you. Your order is paid.");
    if (order.status === "queued" || order.status === "running") return end(202, "Not ready yet. <a href>Try again</a>, or pay another way.");
    if (order.status !== "submitted") shopper.cart.id = randomUUID(); // It failed or was cancelled: the next visit makes a new one.
    const offers = order.status === "submitted" && order.payment_method_categories.length > 0;
    end(offers ? 200 : 502, offers ? page(order) : "Klarna is not available for this order. Please pay another way.");
  } catch (error) {
    console.error(error.message);
    end(502, "Klarna is not available at the moment. Please pay another way.");
  }
}).listen(Number(port), "127.0.0.1");
