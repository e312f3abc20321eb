// A plain worker for the same job as klarna-order-worker's, as a Node engineer would write it: graphile-worker, pg, undici
// and jose. `bench compare` measures both in turns. It is no example for a shop: it does not keep a refresh token whose
// answer was lost, and a job that is run again may create an order twice.
//
//     node worker.mjs fill     # tables, the tokens of tokens.jsonl, and a job for each line of orders.jsonl
//     node worker.mjs run      # runs jobs until SIGTERM
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import pg from 'pg';
import { Agent, request } from 'undici';

const { DATABASE_URL, KLARNA_URL, CLIENT_ID, API_USERNAME, API_PASSWORD, TOKEN_KEY } = process.env;
const concurrency = Number(process.env.CONCURRENCY);
const provider = `${KLARNA_URL}/eu/lp/idp`;
const basicAuth = `Basic ${Buffer.from(`${API_USERNAME}:${API_PASSWORD}`).toString('base64')}`;
const tokenKey = Buffer.from(TOKEN_KEY, 'hex');
const keySet = createRemoteJWKSet(new URL(`${provider}/.well-known/jwks.json`));
// Kept connections, for exchanges too.
const klarna = new Agent({ connections: concurrency });
// A job holds its connection while it exchanges the token; graphile-worker needs some for itself.
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: concurrency + 6 });
const lost = (error) => console.error(error.message);
pool.on('error', lost).on('connect', (client) => client.on('error', lost));
// Every job would be a line of the log otherwise.
const logger = new Logger(() => (level, message) => {
  if (level === 'error' || level === 'warning') console.error(message);
});

/** Encrypts a refresh token with AES-256-GCM, bound to its user. */
function seal(token, user) {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', tokenKey, iv).setAAD(Buffer.from(user));
  return Buffer.concat([iv, cipher.update(token, 'utf8'), cipher.final(), cipher.getAuthTag()]);
}

function open(sealed, user) {
  const decipher = createDecipheriv('aes-256-gcm', tokenKey, sealed.subarray(0, 12));
  decipher.setAAD(Buffer.from(user)).setAuthTag(sealed.subarray(-16));
  return decipher.update(sealed.subarray(12, -16), undefined, 'utf8') + decipher.final('utf8');
}

/** Posts to Klarna and returns the JSON of a successful answer. */
async function post(url, headers, body) {
  headers = { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'plain-worker/0', ...headers };
  const answer = await request(url, { method: 'POST', headers, body, dispatcher: klarna });
  if (answer.statusCode >= 300) throw new Error(`${url} answered ${answer.statusCode}: ${await answer.body.text()}`);
  return answer.body.json();
}

/** Presents a refresh token. */
function exchange(refreshToken) {
  const form = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: CLIENT_ID };
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return post(`${provider}/oauth2/token`, headers, new URLSearchParams(form).toString());
}

/** Creates the order at Klarna. */
function submit(id, order) {
  const headers = { 'content-type': 'application/json', 'klarna-idempotency-key': id, authorization: basicAuth };
  return post(`${KLARNA_URL}/checkout/v3/orders`, headers, JSON.stringify(order));
}

const CLAIM = {
  name: 'claim',
  text: `SELECT o.user_id, o.body, o.status, t.refresh_token FROM orders o JOIN tokens t USING (user_id)
         WHERE o.id = $1 FOR UPDATE OF t`,
};
const STORE = { name: 'store', text: 'UPDATE tokens SET refresh_token = $2, rotated_at = now() WHERE user_id = $1' };
const RESULT = {
  name: 'result',
  text: `UPDATE orders SET status = 'submitted', klarna_id = $2, html_snippet = $3, klarna_user = $4, updated_at = now()
         WHERE id = $1`,
};

/** Locks the order's user, exchanges the refresh token and stores its successor. Returns nothing if the order is done. */
async function fresh(id) {
  const client = await pool.connect();
  let broken;
  try {
    await client.query('BEGIN');
    const { rows } = await client.query({ ...CLAIM, values: [id] });
    const [{ user_id: user, body, status, refresh_token: sealed }] = rows;
    let tokens;
    if (status === 'queued') {
      tokens = await exchange(open(sealed, user));
      await client.query({ ...STORE, values: [user, seal(tokens.refresh_token, user)] });
    }
    await client.query('COMMIT');
    return tokens && { body, tokens };
  } catch (error) {
    await client.query('ROLLBACK').catch((failure) => { broken = failure; });
    throw error;
  } finally {
    client.release(broken);
  }
}

/** The order with the access token, and with absent fields from the id_token. */
function filled(order, id, accessToken, claims) {
  const { given_name, family_name, email, phone, date_of_birth, billing_address: address } = claims;
  const claimed = {
    given_name, family_name, email, phone,
    street_address: address?.street_address, street_address2: address?.street_address_2 ?? undefined,
    postal_code: address?.postal_code, city: address?.city, region: address?.region ?? undefined, country: address?.country,
  };
  return {
    ...order,
    billing_address: order.billing_address ?? claimed,
    customer: { date_of_birth, ...order.customer, klarna_access_token: accessToken },
    merchant_reference2: id,
  };
}

/** The job: a new token for the order's user, and the order to Klarna. */
async function job({ id }) {
  const claim = await fresh(id);
  if (!claim) return;
  const { access_token: accessToken, id_token: idToken } = claim.tokens;
  const { payload: claims } = await jwtVerify(idToken, keySet, {
    issuer: [KLARNA_URL, provider], audience: CLIENT_ID, algorithms: ['ES256', 'RS256'], clockTolerance: 60,
  });
  const created = await submit(id, filled(claim.body, id, accessToken, claims));
  await pool.query({ ...RESULT, values: [id, created.order_id, created.html_snippet, claims.sub] });
}

const TABLES = `
  CREATE TABLE tokens (
    user_id text PRIMARY KEY, refresh_token bytea NOT NULL, rotated_at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE orders (
    id uuid PRIMARY KEY, user_id text NOT NULL REFERENCES tokens, body json NOT NULL, status text NOT NULL DEFAULT 'queued',
    klarna_id text, html_snippet text, klarna_user text, updated_at timestamptz NOT NULL DEFAULT now())`;

async function fill() {
  const lines = (file) => readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const utils = await makeWorkerUtils({ pgPool: pool, logger });
  await utils.migrate();
  await pool.query(TABLES);
  const tokens = lines('tokens.jsonl');
  await pool.query('INSERT INTO tokens (user_id, refresh_token) SELECT * FROM unnest($1::text[], $2::bytea[])', [
    tokens.map(({ user }) => user), tokens.map(({ user, refresh_token: token }) => seal(token, user)),
  ]);
  const orders = lines('orders.jsonl').map((line) => ({ ...line, id: crypto.randomUUID() }));
  await pool.query('INSERT INTO orders (id, user_id, body) SELECT * FROM unnest($1::uuid[], $2::text[], $3::json[])', [
    orders.map(({ id }) => id), orders.map(({ user }) => user), orders.map(({ order }) => JSON.stringify(order)),
  ]);
  await utils.addJobs(orders.map(({ id }) => ({ identifier: 'submit', payload: { id } })));
  await pool.query('ANALYZE');
  await utils.release();
  await pool.end();
}

/** With the options that graphile-worker's documentation names for many jobs a second. */
async function work() {
  const worker = {
    concurrentJobs: concurrency, localQueue: { size: concurrency + 1 }, completeJobBatchDelay: 0, failJobBatchDelay: 0,
  };
  console.log(JSON.stringify({ node: process.version }));
  await (await run({ preset: { worker }, pgPool: pool, logger, taskList: { submit: job } })).promise;
}

await (process.argv[2] === 'fill' ? fill() : work());
