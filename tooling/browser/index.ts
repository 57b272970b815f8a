export { openSite, type BuiltSite } from "./built-site.js";
export { launchChromium, type Launch } from "./launch-chromium.js";
export { swiftShaderEnvironment, useSwiftShader } from "./swiftshader.js";
export { isolation, serveFolder, type FolderServer } from "./serve-folder.js";
export { watchPage, type PageReport } from "./watch-page.js";
export type { Page } from "playwright-core";
