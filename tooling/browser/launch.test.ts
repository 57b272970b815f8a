import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium, serveFolder, watchPage, type FolderServer, type Launch } from "./index.js";

describe("the browser of the tests", () => {
  let launch: Launch;
  let server: FolderServer;
  beforeAll(async () => {
    [launch, server] = await Promise.all([launchChromium(), serveFolder(import.meta.dirname)]);
  });
  afterAll(async () => {
    await launch.browser?.close();
    await server.close();
  });

  it("opens a file that is served, and reports what a page does wrong", async (context) => {
    if (!launch.browser) return context.skip(launch.reason);
    const page = await launch.browser.newPage();
    const report = watchPage(page, server.url);
    const answer = await page.goto(`${server.url}package.json`);
    expect(answer?.status()).toBe(200);
    expect(report).toEqual({ errors: [], foreign: [] });
    await page.evaluate("console.error('wrong')");
    await page.goto(`${server.url}absent`);
    expect(report.errors).toEqual(
      expect.arrayContaining(["console: wrong", `answer: ${server.url}absent 404`]),
    );
  });

  it("serves nothing outside the folder", async () => {
    const outside = await fetch(`${server.url}..%2fdoc-examples%2fpackage.json`);
    expect(outside.status).toBe(404);
  });
});
