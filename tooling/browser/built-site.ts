// A built site for tests: served, with a browser that opens its pages.
import { existsSync } from "node:fs";
import path from "node:path";
import type { BrowserContextOptions, Page } from "playwright-core";
import { launchChromium } from "./launch-chromium.js";
import { serveFolder } from "./serve-folder.js";
import { watchPage, type PageReport } from "./watch-page.js";

export interface BuiltSite {
  readonly url: string;
  /** That it is not built, where it is not: for a test that is then not run. */
  readonly notBuilt: string | undefined;
  /** Why no page of it can be opened here, if none can: it is not built, or there is no browser. */
  readonly missing: string | undefined;
  /** A new page, which is watched from now on. */
  open(options?: BrowserContextOptions): Promise<{ page: Page; report: PageReport }>;
  close(): Promise<void>;
}

/**
 * Serves what `app` was built to.
 *
 * @param app the folder of the app, `apps/docs` for instance
 * @param args further command-line switches of the browser
 */
export async function openSite(app: string, args: readonly string[] = []): Promise<BuiltSite> {
  const dist = path.join(import.meta.dirname, "../..", app, "dist");
  const [launch, server] = await Promise.all([launchChromium(args), serveFolder(dist)]);
  const isBuilt = existsSync(path.join(dist, "index.html"));
  const notBuilt = isBuilt ? undefined : `${app} is not built: npx turbo run build`;
  const { browser } = launch;
  return {
    url: server.url,
    notBuilt,
    missing: notBuilt ?? (launch.browser === undefined ? launch.reason : undefined),
    open: async (options) => {
      if (browser === undefined) throw new Error("There is no browser.");
      const page = await browser.newPage(options);
      return { page, report: watchPage(page, server.url) };
    },
    close: async () => {
      await browser?.close();
      await server.close();
    },
  };
}
