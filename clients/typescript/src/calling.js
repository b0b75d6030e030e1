// How every call is made, and what becomes of refusals.

export class Refusal extends Error {
  constructor(status, document, retryAfter) {
    super(`${status} ${document.title ?? ""}: ${document.detail ?? ""}`);
    this.name = "Refusal";
    this.status = status;
    this.document = document;
    this.kind = String(document.type ?? "").split("/").pop();
    this.errors = document.errors ?? [];
    this.retryAfter = retryAfter;
  }
}

export class Calling {
  #base;
  #headers;
  #fetch;

  constructor(baseUrl, { apiKey, token, fetch = globalThis.fetch } = {}) {
    this.#base = baseUrl.replace(/\/+$/, "");
    this.#fetch = fetch.bind(globalThis);
    this.#headers = { Accept: "application/json", ...(apiKey && { "X-API-Key": apiKey }), ...(token && { Authorization: `Bearer ${token}` }) };
  }

  async call(method, path, { query = {}, headers = {}, body } = {}) {
    const asked = new URLSearchParams(given(query).map(([name, value]) => [name, String(value)])).toString();
    const answer = await this.#fetch(`${this.#base}${path}${asked && `?${asked}`}`, {
      method,
      headers: { ...this.#headers, ...Object.fromEntries(given(headers)), ...(body !== undefined && { "Content-Type": "application/json" }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (answer.ok) return text ? JSON.parse(text) : undefined;
    const wait = answer.headers.get("Retry-After");
    throw new Refusal(answer.status, documentOf(text, answer.statusText), /^\d+$/.test(wait ?? "") ? Number(wait) : undefined);
  }
}

const given = (values) => Object.entries(values).filter(([, value]) => value !== undefined && value !== null);

// Something else than a problem document may come from what stands between.
function documentOf(text, title) {
  try {
    const found = JSON.parse(text);
    if (found && typeof found === "object") return found;
  } catch {
    // no JSON: told as it is
  }
  return { title, detail: text.slice(0, 200) };
}
