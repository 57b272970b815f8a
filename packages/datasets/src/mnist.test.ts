import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DatasetError } from "./dataset-error.js";
import { fashionMnist, mnist, type DownloadProgress } from "./mnist.js";

const testData = env["CONVOKE_TEST_DATA"];

let folder: string;
let servers: Server[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "convoke-mnist-"));
  servers = [];
});
afterEach(async () => {
  for (const server of servers) server.close();
  await rm(folder, { recursive: true });
});

function idx(shape: readonly number[], value: (i: number) => number): Uint8Array {
  const size = shape.reduce((product, n) => product * n, 1);
  const bytes = new Uint8Array(4 + 4 * shape.length + size);
  bytes.set([0, 0, 8, shape.length]);
  shape.forEach((n, axis) => new DataView(bytes.buffer).setUint32(4 + 4 * axis, n));
  for (let i = 0; i < size; i++) bytes[bytes.length - size + i] = value(i);
  return bytes;
}

/** Three training and two test pictures; a test replaces what it wants damaged. */
async function writeFiles(changes: Readonly<Record<string, Uint8Array>> = {}): Promise<void> {
  const files: Record<string, Uint8Array> = {
    "train-images-idx3-ubyte.gz": gzipSync(idx([3, 28, 28], (i) => Math.floor(i / 784) * 100)),
    "train-labels-idx1-ubyte.gz": gzipSync(idx([3], (i) => i)),
    "t10k-images-idx3-ubyte.gz": gzipSync(idx([2, 28, 28], () => 255)),
    "t10k-labels-idx1-ubyte.gz": gzipSync(idx([2], () => 9)),
    ...changes,
  };
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
}

/** Answers with what `content` gives for a file's name; undefined is a 404. */
async function serve(content: (name: string) => Promise<Uint8Array | undefined>): Promise<string> {
  const server = createServer((request, response) => {
    const answer = async () => {
      const bytes = await content((request.url ?? "").slice(1));
      response.writeHead(bytes ? 200 : 404, bytes ? { "content-length": bytes.length } : {});
      response.end(bytes);
    };
    answer().catch(() => response.destroy());
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address() as AddressInfo;
  return `http://127.0.0.1:${address.port}`;
}

/** The error's text, with the places of this run replaced by names. */
async function refusal(action: Promise<unknown>): Promise<string> {
  const error = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof DatasetError)) throw new Error(`expected a DatasetError, got ${String(error)}`);
  return String(error)
    .replaceAll(folder, "FOLDER")
    .replace(/127\.0\.0\.1:\d+/g, "HOST");
}

describe("mnist from a folder", () => {
  it("reads packed and unpacked files, scaled to [0, 1], labels as int32", async () => {
    await writeFiles({});
    await rm(join(folder, "train-labels-idx1-ubyte.gz"));
    await writeFile(
      join(folder, "train-labels-idx1-ubyte"),
      idx([3], (i) => i),
    );
    const { train, test } = await mnist({ dataDir: folder });
    expect([train.length, test.length, train.inputShape, train.classes.length]).toEqual([
      3,
      2,
      [1, 28, 28],
      10,
    ]);
    expect(train.example(2)).toMatchObject({ label: 2, input: new Float32Array(784).fill(200 / 255) });
    expect(train.fields["y"]).toEqual({ shape: [], dtype: "int32" });
    const normal = await mnist({ dataDir: folder, limit: 2, mean: 0.5, std: 0.25 });
    expect([normal.train.length, normal.test.length]).toEqual([2, 2]);
    expect(normal.test.example(0).input[0]).toBe(2);
  });

  it("says which folder or file is missing, and which belong there", async () => {
    expect(await refusal(mnist({ dataDir: join(folder, "nowhere") }))).toMatchInlineSnapshot(`
      "DatasetError: read "train-images-idx3-ubyte.gz": no folder "FOLDER/nowhere", the data folder must exist.
        Check the path, or create the folder and put the files there."
    `);
    await writeFiles();
    await rm(join(folder, "t10k-labels-idx1-ubyte.gz"));
    expect(await refusal(mnist({ dataDir: folder }))).toMatchInlineSnapshot(`
      "DatasetError: mnist: no "t10k-labels-idx1-ubyte.gz" in folder "FOLDER", the data folder must hold the four official files.
        Put these there, packed or not: train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz."
    `);
  });

  it("names the file that is damaged", async () => {
    const packed = gzipSync(idx([2, 28, 28], (i) => i % 255));
    await writeFiles({ "t10k-images-idx3-ubyte.gz": packed.subarray(0, 60) });
    expect(await refusal(mnist({ dataDir: folder }))).toMatch(/parseIdx "t10k-images-idx3-ubyte\.gz": /);
  });

  it("refuses files that do not belong together, and labels that are no class", async () => {
    await writeFiles({ "train-labels-idx1-ubyte.gz": gzipSync(idx([2], () => 0)) });
    expect(await refusal(mnist({ dataDir: folder }))).toMatchInlineSnapshot(`
      "DatasetError: mnist: train-labels-idx1-ubyte: labels of shape [2], "train-images-idx3-ubyte" has 3 images, and each needs one label.
        Check that the two files belong together."
    `);
    await writeFiles({ "train-labels-idx1-ubyte.gz": gzipSync(idx([3], (i) => i * 5)) });
    expect(await refusal(mnist({ dataDir: folder }))).toMatchInlineSnapshot(`
      "DatasetError: mnist, field "y": label 10 at example 2, labels of 10 classes are integers from 0 to 9.
        Correct the labels, or give the names of all classes."
    `);
    await writeFiles({ "train-images-idx3-ubyte.gz": gzipSync(idx([3, 32, 32], () => 0)) });
    expect(await refusal(fashionMnist({ dataDir: folder }))).toMatchInlineSnapshot(`
      "DatasetError: fashion-mnist: train-images-idx3-ubyte: an array of shape [3, 32, 32], images are bytes of shape [n, 28, 28].
        Check that this is the file of the images."
    `);
  });
});

describe("mnist by download", () => {
  it("refuses other files than the official ones, and says what to do without a network", async () => {
    await writeFiles();
    const baseUrl = await serve((name) => readFile(join(folder, name)));
    const foreign = await refusal(mnist({ baseUrl, cacheDir: join(folder, "cache") }));
    expect(foreign.replace(/is [0-9a-f]{32}/, "is FOUND")).toMatchInlineSnapshot(`
      "DatasetError: mnist: no "train-images-idx3-ubyte.gz" in cache folder "FOLDER/cache/mnist", and none by download (http://HOST/: its MD5 is FOUND, not f68b3c2dcbeaaa9fbdd348bbdeb94873), the official files are needed.
        Without a network: put train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz in a folder and pass it as dataDir (--data-dir), or use syntheticDigits(), which needs no files."
    `);
  });

  it("tells a missing file from a server that is not there", async () => {
    const cacheDir = join(folder, "cache");
    const empty = await serve(() => Promise.resolve(undefined));
    expect(await refusal(mnist({ baseUrl: empty, cacheDir }))).toMatch(
      /by download \(http:\/\/HOST\/: not there\)/,
    );
    const closed = await serve(() => Promise.resolve(undefined));
    await new Promise((resolve) => servers.pop()!.close(resolve));
    expect(await refusal(fashionMnist({ baseUrl: closed, cacheDir }))).toMatch(
      /by download \(fetch http:\/\/HOST\/train-images-idx3-ubyte\.gz: no answer \(connect ECONNREFUSED HOST\)/,
    );
  });
});

describe.skipIf(!testData)("the official files (not run without CONVOKE_TEST_DATA)", () => {
  it.each([
    ["mnist", mnist, [5, 0, 4, 1, 9], 33.3184],
    ["fashion-mnist", fashionMnist, [9, 0, 0, 3, 0], 72.9404],
  ] as const)("%s has 60,000 and 10,000 images", async (name, open, firstLabels, meanByte) => {
    const { train, test } = await open({ dataDir: join(testData!, "data", name) });
    expect([train.length, test.length]).toEqual([60_000, 10_000]);
    expect(firstLabels.map((_, i) => train.example(i).label)).toEqual(firstLabels);
    const { data } = train.gather(Array.from({ length: train.length }, (_, i) => i))["x"]!;
    let sum = 0;
    for (const value of data) sum += value;
    expect((sum / data.length) * 255).toBeCloseTo(meanByte, 3);
  });

  it("downloads with progress, keeps the files, and fetches a damaged one again", async () => {
    const requests: string[] = [];
    const baseUrl = await serve((name) => {
      requests.push(name);
      return readFile(join(testData!, "data", "mnist", name));
    });
    const cacheDir = join(folder, "cache");
    const progress: DownloadProgress[] = [];
    const first = await mnist({ baseUrl, cacheDir, limit: 10, onProgress: (step) => progress.push(step) });
    expect([first.train.length, first.test.length]).toEqual([10, 10_000]);
    expect(requests.length).toBe(4);
    expect(progress.filter(({ loaded, total }) => loaded === total).map(({ file }) => file)).toEqual(
      requests,
    );

    requests.length = 0;
    await mnist({ baseUrl, cacheDir });
    expect(requests).toEqual([]);

    await writeFile(join(cacheDir, "mnist", "t10k-labels-idx1-ubyte.gz"), "damaged");
    await mnist({ baseUrl, cacheDir });
    expect(requests).toEqual(["t10k-labels-idx1-ubyte.gz"]);
  });

  it("reads them unpacked as well", async () => {
    for (const file of ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"]) {
      const packed = await readFile(join(testData!, "data", "mnist", `${file}-ubyte.gz`));
      await writeFile(join(folder, `${file}-ubyte`), gunzipSync(packed));
    }
    expect((await mnist({ dataDir: folder })).test.example(0).label).toBe(7);
  });
});
