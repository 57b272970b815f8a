// The CPU backend in Chromium: with and without shared memory, under content security policies, built by bundlers.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { isolation, launchChromium, serveFolder, type Launch, type Page } from "@convoke-tooling/browser";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { build as viteBuild } from "vite";
import webpack from "webpack";
import { bundleProgram, type Bundle } from "./bundle-program.js";
import type { ConformanceReport, ConformanceRequest } from "./cpu-conformance.js";
import type { TrainingReport } from "./cpu-page.js";

const every = process.env["CONVOKE_FULL"] === undefined ? 8 : 1;
const share = every === 1 ? "all of it" : `one test in ${every} of the subset`;

let launch: Launch;
let bundle: Bundle;
let folder: string;

beforeAll(async () => {
  [launch, bundle] = await Promise.all([launchChromium(), bundleProgram("cpu-page.ts", "browser")]);
  writeFileSync(path.join(bundle.folder, "index.html"), html("program.js"));
  folder = mkdtempSync(path.join(import.meta.dirname, "node_modules", ".bundled-"));
});

afterAll(async () => {
  await launch.browser?.close();
  bundle.remove();
  rmSync(folder, { recursive: true, force: true });
});

function html(script: string): string {
  return `<!doctype html><html><head><link rel="icon" href="data:,"></head><body><script type="module" src="./${script}"></script></body></html>`;
}

/** Opens a served page, lets `act` use it, and closes all. */
async function onPage<T>(
  served: string,
  headers: Readonly<Record<string, string>>,
  act: (page: Page) => Promise<T>,
): Promise<T> {
  const server = await serveFolder(served, headers);
  const page = await launch.browser!.newPage();
  try {
    await page.goto(server.url);
    await page.waitForFunction("globalThis.convokePage !== undefined");
    return await act(page);
  } finally {
    await page.close();
    await server.close();
  }
}

/** Calls a function of the page. */
async function call<T>(page: Page, name: string, argument: object): Promise<T> {
  return (await page.evaluate(`convokePage.${name}(${JSON.stringify(argument)})`)) as T;
}

describe("in Chromium", () => {
  it("trains to the same bits with shared memory, in a worker of its own, and in the page; workers leave it free", async (context) => {
    if (!launch.browser) return context.skip(launch.reason);
    const shared = await onPage(bundle.folder, isolation, async (page) => ({
      three: await call<TrainingReport>(page, "train", { threads: 3 }),
      none: await call<TrainingReport>(page, "train", { threads: 0 }),
    }));
    const alone = await onPage(bundle.folder, {}, (page) => call<TrainingReport>(page, "train", {}));
    expect(shared.three).toMatchObject({ isolated: true, threads: 3 });
    expect(shared.none).toMatchObject({ isolated: true, threads: 1 });
    expect(alone).toMatchObject({ isolated: false, threads: 1 });
    const { firstLoss, loss, checksum } = shared.three;
    expect(loss).toBeLessThan(firstLoss);
    for (const other of [shared.none, alone]) expect(other).toMatchObject({ loss, checksum });
    expect(shared.three.turns).toBeGreaterThan(3);
    expect(alone.turns).toBeGreaterThan(3);
  });

  it.for<readonly [string, Readonly<Record<string, string>>, Omit<ConformanceRequest, "every">, number]>([
    ["cross-origin isolated, two workers", isolation, { threads: 2 }, 2],
    ["not isolated, one worker", {}, {}, 1],
  ])(
    `passes the conformance suite (${share}): %s`,
    { timeout: 1_800_000 },
    async ([, headers, options, threads], context) => {
      if (!launch.browser) return context.skip(launch.reason);
      const report = await onPage(bundle.folder, headers, (page) =>
        call<ConformanceReport>(page, "runConformance", { ...options, every }),
      );
      expect(report).toMatchObject({ threads, fused: true, failures: [] });
      expect(report.run).toBeGreaterThan(100);
    },
  );
});

describe("under a content security policy", () => {
  const policy = (value: string) => ({ ...isolation, "content-security-policy": value });
  const enough = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:; img-src data:";

  it("needs no unsafe-eval", async (context) => {
    if (!launch.browser) return context.skip(launch.reason);
    const report = await onPage(bundle.folder, policy(enough), (page) =>
      call<TrainingReport>(page, "train", { threads: 2 }),
    );
    expect(report).toMatchObject({ isolated: true, threads: 2 });
  });

  it("names what is missing: compiling WebAssembly, or workers from blobs", async (context) => {
    if (!launch.browser) return context.skip(launch.reason);
    const refuse = (value: string, headers = policy(value)): Promise<string> =>
      onPage(bundle.folder, headers, (page) => call<string>(page, "refusal", { threads: 2 }));
    const noCompiling = await refuse(enough.replace(" 'wasm-unsafe-eval'", ""));
    expect(noCompiling).toMatch(
      /^BackendUnavailableError: backend "cpu": WebAssembly cannot be compiled here: .+\n {2}Allow it in the content security policy of the page: script-src 'wasm-unsafe-eval'\.$/s,
    );
    const noWorkers = enough.replace("blob:", "'self'");
    for (const headers of [policy(noWorkers), { "content-security-policy": noWorkers }]) {
      expect(await refuse(noWorkers, headers)).toMatch(
        /^BackendUnavailableError: backend "cpu": no worker can start: .+\n.+\(worker-src blob:\); or compute in the calling thread, with cpu\(\{ threads: 0 \}\)\.$/s,
      );
    }
  });

  it("computes in the page where it allows no workers", async (context) => {
    if (!launch.browser) return context.skip(launch.reason);
    const report = await onPage(bundle.folder, policy(enough.replace("blob:", "'self'")), (page) =>
      call<TrainingReport>(page, "train", { threads: 0 }),
    );
    expect(report).toMatchObject({ threads: 1 });
  });
});

describe("in a production build", () => {
  const entry = path.join(import.meta.dirname, "cpu-bundled-page.mjs");

  async function expectProduct(built: string): Promise<void> {
    for (const [headers, threads] of [
      [isolation, 2],
      [{}, 1],
    ] as const) {
      const result = await onPage(built, headers, (page) => call(page, "multiply", { threads: 2 }));
      expect(result).toEqual({ product: [17, 39], threads });
    }
  }

  it("of Vite", async (context) => {
    if (!launch.browser) return context.skip(launch.reason);
    const root = path.join(folder, "vite");
    mkdirSync(root);
    cpSync(entry, path.join(root, "main.mjs"));
    writeFileSync(path.join(root, "index.html"), html("main.mjs"));
    await viteBuild({ root, logLevel: "error", configFile: false });
    await expectProduct(path.join(root, "dist"));
  });

  it("of webpack", async (context) => {
    if (!launch.browser) return context.skip(launch.reason);
    const root = path.join(folder, "webpack");
    const output = { path: root, filename: "main.js" };
    await new Promise<void>((resolve, reject) => {
      webpack({ mode: "production", entry, output, performance: false }, (error, stats) => {
        if (error) reject(error);
        else if (stats?.hasErrors()) reject(new Error(stats.toString("errors-only")));
        else resolve();
      });
    });
    writeFileSync(path.join(root, "index.html"), html("main.js"));
    await expectProduct(root);
  });
});
