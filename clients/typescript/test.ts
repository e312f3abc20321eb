// Uses the published package as a shop does: a token, an order, a change, a read, and errors.
import assert from "node:assert/strict";
import { createClient, type KlarnaOrder } from "klarna-order-worker-client";

const { KLARNA_WORKER_URL: url = "", KLARNA_WORKER_API_KEY: key = "", REFRESH_TOKEN: refresh_token = "" } = process.env;
const worker = createClient({ url, key });

const order = (quantity: number): KlarnaOrder => ({
  purchase_country: "SE",
  purchase_currency: "SEK",
  locale: "sv-SE",
  order_amount: quantity * 10_000,
  order_tax_amount: quantity * 2_000,
  order_lines: [
    {
      name: "T-shirt",
      quantity,
      unit_price: 10_000,
      tax_rate: 2500,
      total_amount: quantity * 10_000,
      total_tax_amount: quantity * 2_000,
    },
  ],
});

const path = { merchant: "shop", user: "typescript" };
const registered = await worker.PUT("/v1/merchants/{merchant}/users/{user}/token", {
  params: { path },
  body: { refresh_token },
});
assert.equal(registered.response.status, 204);

const submitted = await worker.POST("/v1/orders", {
  params: { header: { "Idempotency-Key": "cart-typescript" } },
  body: { merchant: "shop", user: "typescript", order: order(5) },
});
assert(submitted.data, JSON.stringify(submitted.error));
const id = submitted.data.id;

const read = await worker.GET("/v1/orders/{id}", { params: { path: { id }, query: { wait: "25s" } } });
assert(read.data);
assert.equal(read.data.status, "submitted");
assert.equal(read.data.token, "fresh");
assert(read.data.html_snippet?.startsWith("<div"));

const header = { "If-Match": `"${read.data.version}"` };
const changed = await worker.PUT("/v1/orders/{id}", { params: { path: { id }, header }, body: { order: order(4) } });
assert.equal(changed.data?.order_amount, 40_000);
const stale = await worker.PUT("/v1/orders/{id}", { params: { path: { id }, header }, body: { order: order(3) } });
assert.equal(stale.response.status, 412);
assert.equal(stale.error?.status, 412);

const wrong = await worker.POST("/v1/orders", {
  body: { merchant: "shop", user: "typescript", order: { ...order(5), order_amount: 1 } },
});
assert.equal(wrong.response.status, 422);
assert.equal(wrong.error?.faults?.[0]?.pointer, "/order/order_amount");

// @ts-expect-error: an order needs a user.
await worker.POST("/v1/orders", { body: { merchant: "shop", order: order(5) } });
// @ts-expect-error: there is no such path.
await worker.GET("/v1/nothing");
console.log("TypeScript: ok");
