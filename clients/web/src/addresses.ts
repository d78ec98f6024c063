/** What is given as an address, and is none, would be tried again for as long as a lost line. */

import {KynaError} from "./errors.js";

/**
 * The platform's address, without a slash at its end. In a page it may be a path, such as `/kyna`,
 * and "" is the page's own host. Throws `base_url_invalid` for another.
 */
export function platformAddress(baseUrl: string): string {
  const isPath = baseUrl === "" || String(baseUrl).startsWith("/");
  const page = globalThis.location?.href;
  // A server may render the page's modules before: it asks nothing.
  if (isPath && !page) return baseUrl.replace(/\/+$/, "");
  const url = parsed(baseUrl === "" ? "/" : baseUrl, isPath ? page : undefined);
  const isPlain = url && !url.search && !url.hash && !url.username && !url.password;
  if (isPlain && /^https?:$/.test(url.protocol)) return url.href.replace(/\/+$/, "");
  const message = `baseUrl has to be the platform's address with its scheme, such as https://kyna.example, and is: ${baseUrl}`;
  throw new KynaError({code: "base_url_invalid", message, retryable: false});
}

/** Whether it is one of a stream. A browser would take a text without a scheme for a path. */
export function isStreamAddress(address: string): boolean {
  return /^wss?:$/.test(parsed(address)?.protocol ?? "");
}

function parsed(address: string, base?: string): URL | null {
  try {
    return new URL(address, base);
  } catch {
    return null;
  }
}
