import type { ByteSource, ReadOptions } from "./byte-source.js";
import { DatasetError } from "./dataset-error.js";

/**
 * The files below a web address, through `fetch`. A file is missing where the server answers 404 or 410.
 *
 * @param baseUrl an absolute address in Node, an absolute or relative one in a browser
 */
export function fetchSource(baseUrl: string): ByteSource {
  const base = baseUrl.endsWith("/") ? baseUrl : `${baseUrl}/`;
  return {
    description: base,
    read: (name, options = {}) => readUrl(base + encodeURIComponent(name), options),
  };
}

async function readUrl(url: string, options: ReadOptions): Promise<Uint8Array | undefined> {
  const { maxBytes = Infinity, onBytes, signal } = options;
  const operation = `fetch ${url}`;
  try {
    const response = await fetch(url, signal ? { signal } : {});
    if (response.status === 404 || response.status === 410) {
      await response.body?.cancel();
      return undefined;
    }
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      throw new DatasetError({
        operation,
        got: `the answer ${response.status} ${response.statusText}`.trimEnd(),
        rule: "a file must come back",
        wayOut: "Check the address, or try again later.",
      });
    }
    // With a content encoding the length counts the bytes on the wire, not the ones that arrive here.
    const length = response.headers.has("content-encoding") ? null : response.headers.get("content-length");
    const total = length === null ? undefined : Number(length);
    const chunks: Uint8Array[] = [];
    let loaded = 0;
    const reader = response.body.getReader();
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      chunks.push(step.value);
      loaded += step.value.length;
      if (loaded > maxBytes) {
        await reader.cancel();
        throw new DatasetError({
          operation,
          got: `more than ${maxBytes} bytes`,
          rule: "the file must not be larger than expected",
          wayOut: "Check that the address leads to the right file.",
        });
      }
      onBytes?.(loaded, total);
    }
    return joined(chunks, loaded);
  } catch (error) {
    if (error instanceof DatasetError || signal?.aborted) throw error;
    throw new DatasetError(
      {
        operation,
        got: `no answer (${reasonOf(error)})`,
        rule: "the server must be reachable",
        wayOut: "Check the network connection and the address.",
      },
      { cause: error },
    );
  }
}

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/** What lies at the bottom of a failure: Node's fetch says "fetch failed" and keeps the reason in `cause`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error && cause.message) return cause.message;
  return error.message;
}
