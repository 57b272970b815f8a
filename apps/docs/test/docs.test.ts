import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { openSite, type BuiltSite, type Page } from "@convoke-tooling/browser";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const dist = path.join(import.meta.dirname, "..", "dist");

describe("the documentation in headless Chromium", () => {
  let site: BuiltSite;
  beforeAll(async () => {
    site = await openSite("apps/docs");
  });
  afterAll(() => site.close());

  it("opens home, getting started and a page of the reference, and finds what is searched", async (context) => {
    if (site.missing !== undefined) return context.skip(site.missing);
    const { page, report } = await site.open();

    await page.goto(site.url);
    expect(await heading(page)).toContain("Convoke");
    await page.getByRole("link", { name: "Getting started" }).first().click();
    await page.waitForURL("**/guide/getting-started.html");
    await page.getByRole("heading", { name: "Train LeNet-5" }).waitFor();

    await page.getByRole("link", { name: "API reference" }).first().click();
    await page.waitForURL("**/api/**");
    await page.getByRole("link", { name: "@convoke/optimizers" }).first().click();
    await page.getByRole("heading", { name: /^adamW\(\)/ }).waitFor();

    await page.getByRole("button", { name: "Search" }).click();
    await page.getByRole("searchbox").fill("earlyStopping");
    await page
      .getByRole("option", { name: /earlyStopping/ })
      .first()
      .waitFor();

    expect(report).toEqual({ errors: [], foreign: [] });
  });

  it("shows every page without an error", async (context) => {
    if (site.missing !== undefined) return context.skip(site.missing);
    const { page, report } = await site.open({ colorScheme: "dark", viewport: { width: 390, height: 844 } });
    for (const file of pages().filter((name) => name.startsWith("guide/"))) {
      await page.goto(site.url + file);
      expect(await heading(page), file).not.toBe("404");
    }
    expect(report).toEqual({ errors: [], foreign: [] });
  });

  it("has no link that leads nowhere", (context) => {
    if (site.notBuilt !== undefined) return context.skip(site.notBuilt);
    const texts = new Map(pages().map((file) => [file, readFileSync(path.join(dist, file), "utf8")]));
    const broken = [...texts].flatMap(([file, html]) =>
      linksOf(html)
        .filter((link) => !leadsSomewhere(link, file, texts))
        .map((link) => `${file}: ${link}`),
    );
    expect(texts.size).toBeGreaterThan(15);
    expect(broken).toEqual([]);
  });
});

async function heading(page: Page): Promise<string> {
  return (await page.locator("h1").first().textContent()) ?? "";
}

/** The built pages. */
function pages(): string[] {
  return readdirSync(dist, { recursive: true, encoding: "utf8" })
    .map((file) => file.split(path.sep).join("/"))
    .filter((file) => file.endsWith(".html"));
}

/** Where the links of a page lead, those to other sites left out. */
function linksOf(html: string): string[] {
  const links = [...html.matchAll(/<a\b[^>]*?\shref="([^"]*)"/g)].map(([, href = ""]) => href);
  return links.filter((href) => !/^[a-z]+:/.test(href)).map((href) => href.replaceAll("&amp;", "&"));
}

/** Whether a page has the file, and the file the heading, that a link names. */
function leadsSomewhere(link: string, from: string, texts: ReadonlyMap<string, string>): boolean {
  const { pathname, hash } = new URL(link, `http://site/${from}`);
  const file = decodeURIComponent(pathname.slice(1));
  const target =
    texts.get(file) ??
    texts.get(`${file}.html`) ??
    texts.get(`${file.replace(/\/?$/, "/")}index.html`.replace(/^\//, ""));
  if (target === undefined) return existsSync(path.join(dist, file)) && !file.endsWith("/") && file !== "";
  return hash === "" || target.includes(`id="${decodeURIComponent(hash.slice(1))}"`);
}
