import createFetchClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema.js";

export type { components, paths } from "./schema.js";

export type Order = components["schemas"]["Order"];
export type OrderRequest = components["schemas"]["OrderRequest"];
export type KlarnaOrder = components["schemas"]["KlarnaOrder"];
export type KlarnaSession = components["schemas"]["KlarnaSession"];
/** An error of the service (RFC 9457). */
export type ProblemDetails = components["schemas"]["ProblemDetails"];

export interface Options {
  /** The service's address, such as `https://worker.internal:8080`. */
  url: string;
  /** An API key of the shop. Without one, the service must run on this machine and have no keys. */
  key?: string;
  /** How long a request may take, in milliseconds. Longer than any `wait`. Default: 40,000. */
  timeout?: number;
}

/** Returns a client with the methods GET, POST, PUT and DELETE, which know every path of the service. */
export function createClient({ url, key, timeout = 40_000 }: Options): Client<paths> {
  return createFetchClient<paths>({
    baseUrl: url,
    headers: key ? { authorization: `Bearer ${key}` } : {},
    fetch: (request) => fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(timeout)]) }),
  });
}
