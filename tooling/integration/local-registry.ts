import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import type { PackedPackage } from "../package-check/pack.mjs";

/** The parts of a packed package.json that this folder looks at. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

export interface LocalRegistry {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * A registry on this machine that knows the packed packages and nothing else. A package manager that gets the
 * `@convoke` scope from it resolves versions and peers as it will once they are published.
 */
export async function serveRegistry(packed: readonly PackedPackage[]): Promise<LocalRegistry> {
  const byName = new Map(packed.map((entry) => [entry.name, entry]));
  const server = createServer((request, response) => {
    const asked = decodeURIComponent(request.url ?? "").slice(1);
    const tarball = packed.find((entry) => path.basename(entry.tarball) === asked);
    const known = byName.get(asked);
    if (tarball) {
      response.end(readFileSync(tarball.tarball));
    } else if (known) {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(packument(known, `http://${request.headers.host}`)));
    } else {
      response.statusCode = 404;
      response.end("{}");
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The registry has no port.");
  return {
    url: `http://127.0.0.1:${address.port}/`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function packument({ name, version, tarball }: PackedPackage, host: string): unknown {
  const integrity = `sha512-${createHash("sha512").update(readFileSync(tarball)).digest("base64")}`;
  const dist = { tarball: `${host}/${path.basename(tarball)}`, integrity };
  return {
    name,
    "dist-tags": { latest: version },
    versions: { [version]: { ...readManifest(tarball), dist } },
  };
}

/** The package.json inside a tarball, as it would be published. */
export function readManifest(tarball: string): Manifest {
  const bytes = gunzipSync(readFileSync(tarball));
  // A tar file is a row of 512-byte headers, each followed by its file, padded to 512 bytes: the name stands at 0,
  // the size in octal at 124 (POSIX.1-1988, ustar).
  for (let offset = 0; offset + 512 <= bytes.length;) {
    const field = (at: number, length: number) =>
      bytes.toString("utf8", offset + at, offset + at + length).replace(/\0.*$/s, "");
    const size = Number.parseInt(field(124, 12), 8) || 0;
    if (field(0, 100) === "package/package.json") {
      return JSON.parse(bytes.toString("utf8", offset + 512, offset + 512 + size));
    }
    offset += 512 + Math.ceil(size / 512) * 512;
  }
  throw new Error(`${tarball} holds no package.json.`);
}
