/** What the API refused, or failed at, as it said it (RFC 9457). */
export class Refusal extends Error {
  status: number;
  /** All that was said, with what is special to its kind. */
  document: Record<string, unknown>;
  /** The stable last part of its type, such as `sold-out`. */
  kind: string;
  errors: Array<{ pointer: string; detail: string }>;
  /** Seconds to wait before it is asked again, where that may help. */
  retryAfter: number | undefined;
}

/** One installation, and a key or token to it. Nothing is tried again by itself: with an Idempotency-Key it is safe to do so. */
export class Calling {
  /** baseUrl: without `/api`. fetch: one of your own, for time limits and proxies. */
  constructor(baseUrl: string, options?: { apiKey?: string; token?: string; fetch?: typeof fetch });
}
