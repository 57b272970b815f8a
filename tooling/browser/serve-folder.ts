// A small static file server for tests of built pages.
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";

export interface FolderServer {
  /** `http://127.0.0.1:PORT/`. */
  readonly url: string;
  close(): Promise<void>;
}

const mediaTypes: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".woff2": "font/woff2",
};

/** Makes a page cross-origin isolated: only then it has shared memory. */
export const isolation: Readonly<Record<string, string>> = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/**
 * Serves the files below `folder` on a free port of this machine, `index.html` for a folder.
 *
 * @param headers what every answer carries besides its media type, such as a content security policy
 */
export async function serveFolder(
  folder: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<FolderServer> {
  const server = createServer((request, response) => {
    const file = fileOf(folder, new URL(request.url ?? "/", "http://localhost").pathname);
    if (file === undefined) {
      response.writeHead(404, { "content-type": "text/plain" }).end("not found");
      return;
    }
    const type = mediaTypes[path.extname(file)] ?? "application/octet-stream";
    response.writeHead(200, { ...headers, "content-type": type });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return {
    url: `http://127.0.0.1:${address.port}/`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

function fileOf(folder: string, pathname: string): string | undefined {
  const root = path.resolve(folder);
  const wanted = path.resolve(root, `.${decodeURIComponent(pathname)}`);
  if (wanted !== root && !wanted.startsWith(root + path.sep)) return undefined;
  return [wanted, path.join(wanted, "index.html")].find(
    (file) => statSync(file, { throwIfNoEntry: false })?.isFile() ?? false,
  );
}
