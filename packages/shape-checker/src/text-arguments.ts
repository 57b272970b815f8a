// The arguments of one layer in words: "6@5x5 s=2 p=1 nobias".
import type { Padding, Shape } from "@convoke/shape";
import { NetworkTextError } from "./network-text-error.js";
import type { Token } from "./text-tokens.js";

export type OptionName = "stride" | "padding" | "dilation" | "groups" | "outputPadding";
export type FlagName = "same" | "valid" | "nobias" | "ceil";

/** What a layer takes. */
export interface ArgumentRule {
  /** For messages. */
  readonly usage: string;
  readonly example: string;
  /** The first argument: filters with a kernel, sizes, a rate that may be left out, or none. */
  readonly positional: "filters" | "sizes" | "rate" | "none";
  readonly options: readonly OptionName[];
  readonly flags: readonly FlagName[];
}

/** What was given. One number for all axes stays one number. */
export interface LayerArguments {
  readonly filters: number;
  readonly sizes: Shape;
  readonly stride?: number | Shape;
  readonly padding?: Padding;
  readonly dilation?: number | Shape;
  readonly groups?: number;
  readonly outputPadding?: number | Shape;
  readonly bias: boolean;
  readonly ceilMode: boolean;
}

const optionNames: Readonly<Record<string, OptionName>> = {
  s: "stride",
  stride: "stride",
  p: "padding",
  pad: "padding",
  padding: "padding",
  d: "dilation",
  dilation: "dilation",
  g: "groups",
  groups: "groups",
  op: "outputPadding",
  outputpadding: "outputPadding",
};

const flagNames: readonly FlagName[] = ["same", "valid", "nobias", "ceil"];
const largest = 2 ** 31;

/** Reads what follows a layer's word. `tokens` begins with that word. */
export function readArguments(
  text: string,
  [word, ...tokens]: readonly Token[],
  rule: ArgumentRule,
): LayerArguments {
  const refuse = (at: Token, problem: string): never => {
    throw new NetworkTextError({
      text,
      at,
      problem,
      wayOut: `It is written ${rule.usage}, for instance "${rule.example}".`,
    });
  };
  let positional: { filters: number; sizes: Shape } | undefined;
  const options: Partial<Record<OptionName, number | Shape | "same" | "valid">> = {};
  const flags = new Set<FlagName>();
  const setOption = (name: OptionName, value: number | Shape | "same" | "valid", at: Token): void => {
    if (!rule.options.includes(name)) refuse(at, `${word!.text} takes no ${name}.`);
    if (options[name] !== undefined) refuse(at, `${name} is given twice.`);
    options[name] = value;
  };
  for (const token of tokens) {
    const lower = token.text.toLowerCase().replaceAll("×", "x");
    const flag = flagNames.find((name) => name === lower);
    const [, key, value] = /^([a-z]+)=?(\d+(?:x\d+)*|same|valid)$/.exec(lower) ?? [];
    const option = key === undefined || flag !== undefined ? undefined : optionNames[key];
    if (flag === "same" || flag === "valid") setOption("padding", flag, token);
    else if (flag !== undefined) {
      if (!rule.flags.includes(flag)) refuse(token, `${word!.text} takes no "${flag}".`);
      flags.add(flag);
    } else if (option !== undefined) {
      const least = option === "padding" || option === "outputPadding" ? 0 : 1;
      const sizes = value === "same" || value === "valid" ? value : sizesOf(value!, least);
      if (sizes === undefined || (typeof sizes === "string" && option !== "padding")) {
        refuse(token, `${option} is "${value}", it takes whole numbers of at least ${least}.`);
      } else setOption(option, typeof sizes === "string" || sizes.length > 1 ? sizes : sizes[0]!, token);
    } else if (positional === undefined && rule.positional !== "none") {
      positional = firstArgument(lower, rule.positional);
      if (positional === undefined) refuse(token, `"${token.text}" is no ${whatFor(rule.positional)}.`);
    } else refuse(token, `${word!.text} does not take "${token.text}".`);
  }
  if (positional === undefined && (rule.positional === "filters" || rule.positional === "sizes")) {
    refuse(word!, `${word!.text} needs ${rule.positional === "filters" ? "its filters" : "a size"}.`);
  }
  const { groups, ...rest } = options;
  if (typeof groups === "object") refuse(word!, "groups is one number.");
  return {
    filters: positional?.filters ?? 0,
    sizes: positional?.sizes ?? [],
    ...(rest as Pick<LayerArguments, "stride" | "padding" | "dilation" | "outputPadding">),
    ...(typeof groups === "number" && { groups }),
    bias: !flags.has("nobias"),
    ceilMode: flags.has("ceil"),
  };
}

function whatFor(positional: ArgumentRule["positional"]): string {
  if (positional === "rate") return "rate, like 0.5";
  return positional === "filters" ? "number of filters with a kernel, like 6@5x5" : "size, like 5 or 5x5";
}

function firstArgument(
  text: string,
  positional: ArgumentRule["positional"],
): { filters: number; sizes: Shape } | undefined {
  // A rate changes no shape and no count.
  if (positional === "rate")
    return /^(0(\.\d+)?|\.\d+|1)$/.test(text) ? { filters: 0, sizes: [] } : undefined;
  if (positional !== "filters") {
    const sizes = sizesOf(text, 1);
    return sizes && { filters: 0, sizes };
  }
  const [, first, second] = /^(\d+)@(\d+(?:x\d+)*)$/.exec(text) ?? [];
  const filters = first === undefined ? undefined : sizesOf(first, 1);
  const sizes = second === undefined ? undefined : sizesOf(second, 1);
  return filters && sizes && { filters: filters[0]!, sizes };
}

function sizesOf(text: string, least: number): Shape | undefined {
  if (!/^\d+(x\d+)*$/.test(text)) return undefined;
  const sizes = text.split("x").map(Number);
  return sizes.every((size) => size >= least && size <= largest) ? sizes : undefined;
}
