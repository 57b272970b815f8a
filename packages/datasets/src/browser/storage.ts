import type { ByteCache, ByteSource } from "../byte-source.js";
import { DatasetError } from "../dataset-error.js";

/** There is no file system here: says so. */
export function openFolder(folder: string): ByteSource {
  throw new DatasetError({
    operation: "fileSource",
    got: `the folder "${folder}" in a browser`,
    rule: "folders can be read in Node only",
    wayOut: "Serve the files and use fetchSource(url), or give baseUrl instead of dataDir.",
  });
}

/** Files kept in the browser's Cache API, where the page may use it (secure contexts); elsewhere nothing is kept. */
export function openCache(collection: string, name = "convoke-datasets"): ByteCache {
  const open = (): Promise<Cache | undefined> =>
    "caches" in globalThis ? caches.open(name) : Promise.resolve(undefined);
  // The Cache API files things under addresses; this one belongs to nobody (RFC 2606).
  const address = (file: string): string =>
    `https://convoke.invalid/${encodeURIComponent(collection)}/${encodeURIComponent(file)}`;
  return {
    description: `browser cache "${name}"`,
    async read(file, { onBytes, maxBytes = Infinity } = {}) {
      const response = await (await open())?.match(address(file));
      if (!response) return undefined;
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (bytes.length > maxBytes) return undefined;
      onBytes?.(bytes.length, bytes.length);
      return bytes;
    },
    async write(file, bytes) {
      await (await open())?.put(address(file), new Response(bytes.slice()));
    },
  };
}
