// A process of its own: unpacks the Chromium of npm into TMPDIR, which the package reads once.
import chromium from "@sparticuz/chromium";

await chromium.executablePath();
