// A small shop with klarna-order-worker in Node 18 or newer, without packages: node shop.mjs
// Copy `worker`, `signedIn` and `checkout` into your shop, and what you need of the sign-in. The rest is pages to try them.
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync, realpathSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

const { env } = process;
const url = env.KLARNA_WORKER_URL ?? "http://127.0.0.1:8080";
const key = env.KLARNA_WORKER_API_KEY ?? "";
const merchant = env.KLARNA_WORKER_MERCHANT ?? "shop"; // the merchant's section in the worker's settings
const port = Number(env.PORT ?? 3000);
const shop = env.SHOP_URL ?? `http://127.0.0.1:${port}`; // as browsers and Klarna reach this shop
// Klarna's pushes go to the worker, at its address in the internet, with the merchant's push_secret.
const push = env.PUSH_URL ?? `${url}/v1/push/${merchant}/sandbox-push-secret-of-this-machine`;
const login = env.KLARNA_LOGIN_URL ?? "http://127.0.0.1:8090/eu/lp/idp"; // the sandbox
const clientId = env.KLARNA_CLIENT_ID ?? "sandbox-client";
const clientSecret = env.KLARNA_CLIENT_SECRET; // of a confidential client
const scope = env.KLARNA_SCOPE ?? "openid offline_access payment:request:create profile:name profile:email profile:billing_address";
const webhookSecret = env.WEBHOOK_SECRET; // one of the merchant's webhook_secrets
// SHOP_USER makes every visitor this customer: for tests of a sign-in that your shop has itself.

async function worker(method, path, body, headers = {}, tries = 3) {
  const all = { ...(key && { authorization: `Bearer ${key}` }), "content-type": "application/json", ...headers };
  const signal = AbortSignal.timeout(40_000); // must be longer than the wait below
  const answer = await fetch(url + path, { method, headers: all, body: body && JSON.stringify(body), signal }).catch((error) => error);
  if (answer.ok) return answer.status === 204 ? undefined : answer.json();
  // Not now, or not reached: the same request can be sent again.
  if ((answer.status === 503 || (!answer.status && answer.name !== "TimeoutError")) && tries > 1) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(Number(answer.headers?.get("retry-after")) || 1, 2) * 1000));
    return worker(method, path, body, headers, tries - 1);
  }
  const text = answer.status ? `${answer.status} ${await answer.text()}` : `no answer: ${answer.cause?.message || answer.message}`;
  const problem = /"urn:klarna-order-worker:problem:([a-z-]+)"/.exec(text)?.[1];
  throw Object.assign(new Error(`${method} ${url}${path}: ${text}`), { status: answer.status, problem });
}

// Call this after each sign-in. From now on the worker keeps the refresh token. Do not store it or use it yourself.
const signedIn = (user, refresh_token) =>
  worker("PUT", `/v1/merchants/${merchant}/users/${encodeURIComponent(user)}/token`, { refresh_token });

// Call this for the checkout page. It submits the cart's order, and changes the order after the cart was changed.
// The cart's id is the idempotency key, so loading the page twice does not order twice.
async function checkout(user, cart, body) {
  const { state } = await readAll(cart.earlier);
  if (["paid", "unknown"].includes(state)) return { state };
  try {
    return await present(user, cart, body);
  } catch (error) {
    console.error(error.message);
    if (error.status === 503) return { state: "wait" };
    if (error.status !== 422) throw error;
    if (!cart.order) renew(cart); // The same idempotency key with another order would be refused.
    return { state: "failed" };
  }
}

// Reads orders of one cart at Klarna. Another window may still show one from before a sign-in, and take its payment.
async function readAll(ids) {
  const failed = ({ status, message }) => ({ refresh_error: status !== 404 && message }); // 404: It was deleted.
  const orders = await Promise.all(ids.map((id) => worker("GET", `/v1/orders/${id}?refresh=true`).catch(failed)));
  const [paid, ended] = ["completed", "ended"].map((phase) => orders.filter(({ session }) => session?.phase === phase));
  const unknown = orders.filter((order) => order.refresh_error && ![...paid, ...ended].includes(order));
  if (unknown.length) console.error("It is not known whether these are paid:", unknown);
  return { paid, state: paid.length ? "paid" : unknown.length ? "unknown" : ended.length < orders.length ? "open" : "ended" };
}

async function present(user, cart, body) {
  const wanted = JSON.stringify(body);
  const deleted = (error) => {
    if (error.status !== 404) throw error;
    renew(cart); // The order was deleted.
  };
  // A changed cart is sent below. An unchanged one is read at Klarna: its order may have ended there.
  const address = `/v1/orders/${cart.order}${cart.sent === wanted ? "?refresh=true" : ""}`;
  const known = cart.order && (await worker("GET", address).catch(deleted));
  let order = known;
  if (!order) {
    order = await worker("POST", "/v1/orders", { merchant, user, order: body }, { "idempotency-key": cart.id });
    [cart.order, cart.sent] = [order.id, wanted];
  }
  if (["queued", "running"].includes(order.status)) order = await worker("GET", `/v1/orders/${order.id}?wait=25s`);
  if (order.status === "submitted" && cart.sent !== wanted) {
    try {
      order = await worker("PUT", `/v1/orders/${order.id}`, { order: body }, { "if-match": `"${order.version}"` });
      cart.sent = wanted;
    } catch (error) {
      if (![409, 412].includes(error.status)) throw error; // It is paid, has ended, or was changed in another window.
      order = await worker("GET", `/v1/orders/${order.id}?refresh=true`);
      const isPaid = order.refresh_error || order.session?.phase === "completed"; // or perhaps
      if (error.problem === "body-gone" && !isPaid) return present(user, replace(cart), body); // The order is too old to be changed.
    }
  }
  // Klarna's answer did not show it, and it could not be read at once.
  if (order.status === "submitted" && !order.html_snippet) order = await worker("GET", `/v1/orders/${order.id}?refresh=true`);
  if (order.session?.phase === "completed") return { state: "paid" };
  const open = order.html_snippet && order.session?.phase !== "ended";
  const signIn = ["not_registered", "reauth_required"].includes(order.token); // a sign-in would help
  if (open && cart.sent === wanted) return { state: "open", html: order.html_snippet, signIn };
  if (open || ["queued", "running"].includes(order.status)) return { state: "wait" };
  if (known && order.status === "submitted" && order.refresh_error && order.session?.phase !== "ended") return { state: "unknown" }; // perhaps paid
  renew(cart); // It can no longer be paid, and a new order follows; or it failed or was cancelled: the next visit makes a new one.
  return known && order.status === "submitted" ? present(user, cart, body) : { state: "failed" };
}

// The sign-in by OpenID Connect: first to Klarna's page, and back to /callback with a code.
const random = () => randomBytes(24).toString("base64url");
const digest = (text) => createHash("sha256").update(text).digest();
const equal = (a, b) => timingSafeEqual(digest(a), digest(b)); // in constant time

function signInAddress(session, next) {
  session.next = ["/checkout", "/app"].includes(next) ? next : "/"; // where the shopper goes on
  const { state, nonce } = (session.signIn = { state: random(), nonce: random(), verifier: random() + random() });
  const pkce = { code_challenge: digest(session.signIn.verifier).toString("base64url"), code_challenge_method: "S256" };
  const ask = { response_type: "code", client_id: clientId, redirect_uri: `${shop}/callback`, scope, state, nonce, ...pkce };
  return `${login}/oauth2/auth?${new URLSearchParams(ask)}`;
}

async function finishSignIn(session, query) {
  const { state = "", nonce, verifier } = session.signIn ?? {};
  delete session.signIn; // Each is accepted once.
  if (!state || !equal(query.get("state") ?? "", state)) return "This sign-in was not started here.";
  if (!query.get("code")) return "You are not signed in."; // The shopper declined.
  const form = { grant_type: "authorization_code", code: query.get("code"), redirect_uri: `${shop}/callback`, client_id: clientId };
  const body = new URLSearchParams({ ...form, code_verifier: verifier, ...(clientSecret && { client_secret: clientSecret }) });
  const answer = await fetch(`${login}/oauth2/token`, { method: "POST", body, signal: AbortSignal.timeout(20_000) });
  if (!answer.ok) throw new Error(`Klarna's token endpoint: ${answer.status} ${await answer.text()}`);
  const tokens = await answer.json();
  // The id_token comes from Klarna directly, so its signature need not be checked (OpenID Connect Core 3.1.3.7).
  const claims = JSON.parse(Buffer.from(tokens.id_token.split(".")[1], "base64url"));
  const genuine = [login, new URL(login).origin].includes(claims.iss) && [claims.aud].flat().includes(clientId);
  if (!genuine || claims.nonce !== nonce || claims.exp * 1000 < Date.now()) throw new Error("not an id_token for this shop");
  const user = claims.sub; // Your shop: the id of the customer who has this `sub`, or of a new one.
  await signedIn(user, tokens.refresh_token);
  const name = [claims.given_name, claims.family_name].filter(Boolean).join(" ") || user;
  Object.assign(session, { user, name }); // Not before the token is stored: if it is lost, the sign-in must be repeated.
  beginAnew(session);
}

// Replace this with your shop's sessions and carts.
const sessions = new Map();
const renew = (cart) => Object.assign(cart, { id: random(), order: undefined, sent: undefined });
const replace = (cart) => renew(Object.assign(cart, { earlier: [cart.order, ...cart.earlier].filter(Boolean) }));
const newCart = () => renew({ quantity: 5, earlier: [] });
const perhapsPaid = ({ returned, cart }) => Boolean(returned) && returned === cart.order; // Klarna sent the shopper to /thanks.
const beginAnew = (session) => perhapsPaid(session) || replace(session.cart); // after a sign-in: a guest's order has no access token
const orderOf = ({ quantity }) => {
  const [total_amount, total_tax_amount] = [quantity * 10_000, quantity * 2_000]; // 100 SEK each, 25 % of it tax on 80 SEK
  return {
    purchase_country: "SE", purchase_currency: "SEK", locale: "sv-SE", order_amount: total_amount, order_tax_amount: total_tax_amount,
    order_lines: [{ name: "T-shirt", quantity, unit_price: 10_000, tax_rate: 2500, total_amount, total_tax_amount }],
    merchant_urls: { terms: `${shop}/terms`, checkout: `${shop}/checkout`, confirmation: `${shop}/thanks`, push: `${push}?klarna_order_id={checkout.order.id}` },
  };
};

const escape = (text) => String(text).replace(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`);
const page = (title, body) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><link rel="icon" href="data:,">
<nav><a href="/">Shop</a> <a href="/cart">Cart</a></nav><h1>${title}</h1>${body}</html>`;
const again = (text, session = {}) =>
  perhapsPaid(session) ? unconfirmed : page("Checkout", `<p>${text} <a href="/checkout">Try again</a>, or pay another way.</p>`);
const unsigned = (text) => page("Sign-in", `<p>${text} <a href="/sign-in">Sign in with Klarna</a>, or go on without: <a href="/cart">to the cart</a></p>`);
// Klarna sent the shopper to /thanks, who has perhaps paid: never offer another payment then, on no page.
const unconfirmed = page("Payment", `<p>Klarna has your order, and it is being confirmed. Please do not pay again. <a href="/thanks">Look again</a></p>`);
const unpaid = page("Payment", `<p>This order was not paid, and can no longer be paid. <a href="/cart">To the cart</a></p>`);
const failures = { "/callback": unsigned("The sign-in failed."), "/thanks": unconfirmed }; // if somebody does not answer
const signInLink = (next, text = "Sign in with Klarna") => `<p><a href="/sign-in?next=${next}">${text}</a></p>`;
const setQuantity = (cart, quantity) => {
  if (Number.isInteger(quantity) && quantity >= 1 && quantity <= 99) cart.quantity = quantity;
  if (!cart.order) renew(cart); // The same idempotency key with another order would be refused.
};

// Each returns a status and a page, an address to go to, or JSON. These are those of every shop, for payments.mjs too.
const shopPages = {
  "GET /": ({ state, name, user }) => [200, page("T-shirts", `${name ? `<p>You are signed in as ${escape(name)}.
The service calls you <code>${escape(user)}</code>.</p>` : ""}${signInLink("/", name && "Sign in again")}
<p>A T-shirt costs 100 SEK. <a href="/cart">To the cart</a></p><div id="klarna-sign-in" data-state="${state}"></div>`)], // for the Web SDK's button
  "GET /sign-in": (session, { query }) => [303, signInAddress(session, query.get("next"))],
  "GET /callback": async (session, { query }) => {
    const refused = await finishSignIn(session, query);
    return refused ? [403, unsigned(refused)] : [303, session.next];
  },
  // From the Web SDK's `signin` event, for a customer whom your shop knows. For others, verify the `id_token`, and use its `sub`.
  "POST /klarna/signed-in": async (session, { text }) => {
    const sent = JSON.parse(text);
    if (!equal(String(sent.state), session.state)) return [403, "This sign-in was not started here."];
    await signedIn(session.user, sent.refresh_token);
    beginAnew(session);
    return [204, ""];
  },
  "GET /cart": ({ cart }) => [200, page("Cart", `<form method="post"><label>T-shirts
<input name="quantity" type="number" min="1" max="99" value="${cart.quantity}"></label> <button>Change</button>
<p>${cart.quantity * 100}.00 SEK. <button name="next" value="/checkout">To the checkout</button></p></form>`)],
  "POST /cart": ({ cart }, { text }) => {
    const form = new URLSearchParams(text);
    setQuantity(cart, Number(form.get("quantity")));
    return [303, form.get("next") === "/checkout" ? "/checkout" : "/cart"];
  },
  "GET /terms": () => [200, page("Terms", "<p>This shop sells nothing.</p>")],
};
const pages = {
  ...shopPages,
  "GET /checkout": async (session) => {
    const { state, html, signIn } = await checkout(session.user, session.cart, orderOf(session.cart));
    if (["paid", "unknown"].includes(state)) return [303, "/thanks"];
    // The snippet as a whole: it has a script.
    if (state === "open") return [200, page("Checkout", `${signIn ? signInLink("/checkout") : ""}${html}<p>The same in a <a href="/app">single-page app</a></p>`)];
    return state === "wait" ? [202, again("Your order is not ready yet.", session)] : [502, again("Klarna does not take this order.", session)];
  },
  "GET /thanks": async (session) => {
    const cart = [session.cart, session.paid].find((cart) => cart?.order || cart?.earlier.length);
    if (!cart) return [404, page("Thank you", "<p>There is no order yet.</p>")];
    session.returned = cart.order;
    const { paid, state } = await readAll([cart.order, ...cart.earlier].filter(Boolean));
    if (state !== "paid") return [200, state === "ended" ? unpaid : unconfirmed];
    if (cart === session.cart) [session.paid, session.cart] = [cart, newCart()];
    const amount = ({ session }) => `${(session.order_amount / 100).toFixed(2)} ${session.purchase_currency}`;
    const texts = paid.map((order) => `Paid: ${amount(order)}, Klarna's order ${order.klarna_order_id}.`);
    if (paid.length > 1) texts.push("This cart was paid twice: one of these payments is to be refunded."); // by your shop
    if (paid.length > 1) console.error(...texts);
    return [200, page("Thank you", `<p id="paid">${texts.join(" ")}</p>${paid[0].html_snippet ?? ""}`)];
  },
  "POST /klarna/events": (session, { text, headers }) => { // webhook_url of the merchant
    if (!webhookSecret) console.error("A webhook came: set WEBHOOK_SECRET to one of the merchant's webhook_secrets.");
    if (!webhookSecret || !isGenuine(headers, text, webhookSecret)) return [400, ""];
    const { type, data } = JSON.parse(text);
    // Your shop: mark the order as paid. The event can come twice.
    if (type === "order.completed") console.log(`Paid: ${data.order_amount / 100} ${data.purchase_currency}, order ${data.order_id}`);
    return [204, ""];
  },
  "GET /app": () => [200, readFileSync(new URL("app.html", import.meta.url), "utf8")],
  "GET /api/checkout": async (session) => {
    const found = await checkout(session.user, session.cart, orderOf(session.cart));
    return [200, { quantity: session.cart.quantity, ...found, ...(found.state === "failed" && perhapsPaid(session) && { state: "unknown" }) }];
  },
  "POST /api/cart": (session, { text }) => pages["GET /api/checkout"](session, setQuantity(session.cart, JSON.parse(text).quantity)),
};

// Whether the service has sent this webhook (https://www.standardwebhooks.com).
function isGenuine({ "webhook-id": id, "webhook-timestamp": time, "webhook-signature": signatures = "" }, text, secret) {
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const expected = `v1,${createHmac("sha256", key).update(`${id}.${time}.${text}`).digest("base64")}`;
  return Math.abs(Date.now() / 1000 - Number(time)) < 300 && signatures.split(" ").some((given) => equal(given, expected));
}

// Says at the start what would go wrong with the first shopper.
const checkSettings = () => worker("GET", "/v1/orders?limit=1").catch(({ status, message }) =>
  console.error([401, 403].includes(status) ? "The service refuses this API key: set KLARNA_WORKER_API_KEY." : "", message));

function serve(pages) {
  const server = createServer(async (request, response) => {
    const id = /\bsid=([\w-]+)/.exec(request.headers.cookie ?? "")?.[1];
    const sid = sessions.has(id) ? id : random();
    if (sid !== id) sessions.set(sid, { user: env.SHOP_USER ?? `guest-${random()}`, state: random(), cart: newCart() });
    const { pathname, searchParams: query } = new URL(request.url, shop);
    const answer = pages[`${request.method} ${pathname}`] ?? (() => [404, page("Not found", "<p>There is no such page.</p>")]);
    let [status, content] = [502, failures[pathname] ?? again("Klarna is not available at the moment.", sessions.get(sid))];
    // Cookies belong to one name: somebody who came to localhost goes on at 127.0.0.1, where Klarna leads back to.
    const elsewhere = !env.SHOP_URL && request.headers.host !== new URL(shop).host;
    try {
      const sent = { query, text: await new Response(request).text(), headers: request.headers };
      [status, content] = elsewhere ? [303, shop + request.url] : await answer(sessions.get(sid), sent);
    } catch (error) {
      console.error(error.message);
    }
    const json = typeof content !== "string";
    const kind = status === 303 ? { location: content } : { "content-type": json ? "application/json" : "text/html; charset=utf-8" };
    response.writeHead(status, { "set-cookie": `sid=${sid}; ${shop.startsWith("https:") ? "Secure; " : ""}HttpOnly; SameSite=Lax; Path=/`, "cache-control": "no-store", ...kind });
    response.end(status === 303 ? "" : json ? JSON.stringify(content) : content);
  });
  server.on("error", ({ code, message }) => {
    console.error(code === "EADDRINUSE" ? `Port ${port} is taken, perhaps by another shop. End that, or set PORT to another one.` : message);
    process.exitCode = 1;
  });
  server.once("listening", () => console.log(`The shop is at ${shop}/`)).once("listening", checkSettings).listen(port, "127.0.0.1");
}

export { again, merchant, newCart, orderOf, page, renew, serve, shopPages, signInLink, unconfirmed, worker };
if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) serve(pages);
