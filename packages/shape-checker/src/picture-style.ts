// Colours of the pictures, in light and dark, and what keeps texts from becoming markup.
import { printable } from "./report-text.js";

/** What a layer is drawn as. */
export type Hue = "input" | "convolution" | "pooling" | "dense" | "joining" | "other";

export const hueNames: Readonly<Record<Hue, string>> = {
  input: "input",
  convolution: "convolution",
  pooling: "pooling",
  dense: "dense",
  joining: "sum of branches",
  other: "other",
};

const light = `--ground:#fbfcfe;--card:#ffffff;--ink:#182230;--muted:#5a6675;--line:#e2e7ee;--track:#eef1f6;
--input:#1f9d76;--convolution:#2f6fdb;--pooling:#df8a17;--dense:#8b4fd6;--joining:#d4477c;--other:#8391a3;`;
const dark = `--ground:#10141b;--card:#171d26;--ink:#e7ecf3;--muted:#9aa7b8;--line:#2a3340;--track:#222a35;
--input:#37c596;--convolution:#5c95f7;--pooling:#f2a93c;--dense:#b184f2;--joining:#f0719f;--other:#8796a9;`;

/** CSS variables on `selector`; dark where the reader's system is. */
export function palette(selector: string): string {
  return `${selector}{${light}color-scheme:light dark}
@media (prefers-color-scheme:dark){${selector}{${dark}}}`;
}

export const fontStack = `system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif`;

/** Text inside elements and attributes. */
export function escapeMarkup(text: string): string {
  return printable(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** By what the layer does, else by its name. */
export function hueOf({
  kind,
  inputs,
  neurons,
}: {
  kind: string;
  inputs: readonly number[];
  neurons?: number;
}): Hue {
  if (/pool/i.test(kind)) return "pooling";
  if (/conv/i.test(kind)) return "convolution";
  if (/dense|linear|gemm|matmul/i.test(kind)) return "dense";
  if (inputs.length > 1) return "joining";
  return neurons === undefined ? "other" : "dense";
}
