// A shop that offers Klarna Payments on its own checkout page, in Node 18 or newer, without packages: node payments.mjs
// Copy `session`, `placeOrder` and the page's script. The sign-in, the cart and the calls of the worker are in shop.mjs.
import { again, merchant, newCart, orderOf, page, renew, serve, shopPages, signInLink, unconfirmed, worker } from "./shop.mjs";

// Your shop places the order at Klarna itself, with the merchant's credentials for Klarna Payments.
const { KLARNA_API_URL: klarna = "http://127.0.0.1:8090", KLARNA_API_KEY: apiKey } = process.env; // the sandbox
const { KLARNA_API_USERNAME: username = "", KLARNA_API_PASSWORD: password = "" } = process.env; // instead of an API key
const credentials = apiKey ?? Buffer.from(`${username}:${password}`).toString("base64");
// Klarna's script for the browser. The sandbox has one that stands in for it.
const atKlarna = new URL(klarna).hostname.endsWith(".klarna.com");
const library = atKlarna ? "https://x.klarnacdn.net/kp/lib/v1/api.js" : `${klarna}/sandbox/payments.js`;

// The body of the session, and of the order that is placed with it. The addresses in orderOf are for Klarna Checkout alone.
const bodyOf = (cart) => ({ ...orderOf(cart), merchant_urls: undefined });

// Call this on the checkout page. The cart's id is the idempotency key, so reloading the page does not make a second session.
async function session(user, cart) {
  const body = { merchant, user, target: "payments", order: bodyOf(cart) };
  const order = await worker("POST", "/v1/orders", body, { "idempotency-key": cart.id });
  cart.session = order.id;
  if (["queued", "running"].includes(order.status)) return worker("GET", `/v1/orders/${order.id}?wait=25s`);
  if (order.status !== "submitted") return order;
  // The page was loaded again: the session may have ended at Klarna.
  const read = await worker("GET", `/v1/orders/${order.id}?refresh=true`);
  return read.session?.phase === "ended" ? session(user, renew(cart)) : read;
}

// Call this when the shopper has authorised the payment. The order must be the one that the session has. Returns no order if
// it is not known whether Klarna has placed one.
async function placeOrder(cart, authorization) {
  const request = {
    method: "POST",
    headers: {
      authorization: `Basic ${credentials}`,
      "content-type": "application/json",
      "klarna-idempotency-key": cart.id, // A request that is repeated places one order.
    },
    body: JSON.stringify(bodyOf(cart)),
    signal: AbortSignal.timeout(30_000),
  };
  const address = `${klarna}/payments/v1/authorizations/${encodeURIComponent(authorization)}/order`;
  const answer = await fetch(address, request).catch((error) => ({ status: 500, text: () => error.message }));
  if (answer.ok) return { placed: (await answer.json()).order_id };
  console.error(`POST ${klarna}/payments/v1/authorizations/…/order: ${answer.status} ${await answer.text()}`);
  return { refused: answer.status < 500 };
}

// The client token is for this shopper's browser alone. In a script, "<" must be escaped.
const script = (value) => JSON.stringify(value).replaceAll("<", "\\u003c");
const checkoutPage = ({ client_token, token, payment_method_categories: [category] }, cart) => page("Checkout", `
${["not_registered", "reauth_required"].includes(token) ? signInLink("/checkout") : ""}
<div id="klarna-payments"></div><p><button id="pay" hidden>Pay</button></p><p id="said"></p>
<script>
  const payment_method_category = ${script(category.identifier)};
  const said = (text) => (document.getElementById("said").textContent = text);
  window.klarnaAsyncCallback = () => {
    Klarna.Payments.init({ client_token: ${script(client_token)} });
    Klarna.Payments.load({ container: "#klarna-payments", payment_method_category }, {}, ({ show_form }) => {
      document.getElementById("pay").hidden = !show_form;
    });
    document.getElementById("pay").onclick = () =>
      Klarna.Payments.authorize({ payment_method_category }, {}, async ({ approved, authorization_token }) => {
        if (!approved) return said("Klarna did not approve the payment. Try again, or pay another way.");
        const body = JSON.stringify({ cart: ${script(cart.id)}, authorization_token });
        const placed = await fetch("/place-order", { method: "POST", body }).catch(() => ({}));
        if (placed.status === 409) return said("This cart was paid or changed already. Please load the page again.");
        location.assign(placed.status === 502 ? "/checkout" : "/thanks"); // Without an answer, perhaps it is paid.
      });
  };
</script>
<script src="${library}" async></script>`);

async function checkout({ user, cart, uncertain }) {
  if (uncertain) return [303, "/thanks"]; // Perhaps it is paid.
  let order;
  try {
    order = await session(user, cart);
  } catch (error) {
    console.error(error.message);
    if (error.status === 503) return [202, again("Your order is not ready yet.")];
    if (error.status === 422) renew(cart); // The same idempotency key with another order would be refused.
    return [502, again("Klarna is not available at the moment.")];
  }
  if (order.session?.phase === "completed") { // It was placed, although the answer did not come.
    renew(cart);
    return [200, page("Thank you", "<p>Your order is paid.</p>")];
  }
  if (["queued", "running"].includes(order.status)) return [202, again("Your order is not ready yet.")];
  if (order.status !== "submitted") renew(cart); // It failed or was cancelled: the next visit makes a new one.
  if (order.payment_method_categories?.length) return [200, checkoutPage(order, cart)];
  return [502, again("Klarna is not available for this order.")];
}

const unlessUncertain = (page) => (session, sent) => (session.uncertain ? [303, "/thanks"] : page(session, sent)); // Perhaps it is paid.

serve({
  ...shopPages,
  "POST /cart": unlessUncertain(shopPages["POST /cart"]),
  "GET /sign-in": unlessUncertain(shopPages["GET /sign-in"]),
  "GET /callback": unlessUncertain(shopPages["GET /callback"]),
  "POST /klarna/signed-in": unlessUncertain(shopPages["POST /klarna/signed-in"]),
  "GET /checkout": checkout,
  "POST /place-order": async (session, { text }) => {
    const { cart, authorization_token } = JSON.parse(text);
    // Another window may still show the session of a cart that was paid or changed since, or from before a sign-in.
    if (cart !== session.cart.id) return [409, ""];
    session.uncertain = session.cart.session; // until Klarna has said whether it is paid
    const { placed, refused } = await placeOrder(session.cart, authorization_token);
    if (placed || refused) session.uncertain = undefined;
    if (placed) Object.assign(session, { placed, cart: newCart() });
    return placed ? [204, ""] : [refused ? 502 : 202, ""];
  },
  "GET /thanks": async (session) => {
    if (session.uncertain) {
      const read = await worker("GET", `/v1/orders/${session.uncertain}?refresh=true`);
      if (read.refresh_error || !read.session) return [200, unconfirmed];
      session.uncertain = undefined;
      // Another try has the same idempotency key at Klarna, unless the cart is changed: so nobody pays twice.
      if (read.session.phase !== "completed") return [200, again("The order was not placed.")];
      Object.assign(session, { placed: `of the session ${read.session_id}`, cart: newCart() });
    }
    return session.placed
      ? [200, page("Thank you", `<p id="paid">Paid: Klarna's order ${session.placed}.</p>`)]
      : [404, page("Thank you", "<p>There is no order yet.</p>")];
  },
});
