// Gets a shopper's access token from klarna-order-worker, for a shop that calls Klarna itself. Node 18 or newer, no packages.
const { KLARNA_WORKER_URL: url = "http://127.0.0.1:8080", KLARNA_WORKER_API_KEY: key = "" } = process.env;

// The key needs the scope "tokens:vend". Write the answer into `customer.klarna_access_token`, and nowhere else.
export async function accessToken(user, merchant = "shop") {
  const path = `/v1/merchants/${merchant}/users/${encodeURIComponent(user)}/access-token`;
  const request = { method: "POST", headers: { authorization: `Bearer ${key}` }, signal: AbortSignal.timeout(10_000) };
  const answer = await fetch(url + path, request).catch(() => undefined);
  // 404 and 409: the shopper must sign in. 503: not now. Go on without a token: Klarna then asks the shopper to sign in.
  return answer?.ok ? (await answer.json()).access_token : undefined;
}
