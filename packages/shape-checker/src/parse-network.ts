// Networks in words: "input 1x32x32; conv 6@5x5; pool 2; flatten; dense 10".
import { assertShape, ShapeError } from "@convoke/shape";
import type { Network } from "./network.js";
import { addSum, NetworkBuilder, type LayerName, type Value } from "./network-builder.js";
import { NetworkTextError, type Span } from "./network-text-error.js";
import { readArguments } from "./text-arguments.js";
import { layerWords, textLayer } from "./text-layers.js";
import { tokensOf, type Token } from "./text-tokens.js";

/** Nested repeats multiply: a text that asks for more layers than this is refused. */
const mostLayers = 10_000;
const deepest = 64;

/**
 * Reads a network in words.
 *
 * ```text
 * network  = layer { ";" layer }               a new line does for ";", "#" begins a comment
 * layer    = [ name ":" ] word { argument }    "c1: conv 6@5x5 s=2 p=1"
 *          | "residual" "(" network [ "|" network ] ")"     the body, and the shortcut
 *          | "repeat" number "(" network ")"
 * argument = size | filters [ "@" size ] | option [ "=" ] size | "same" | "valid" | "nobias" | "ceil"
 * size     = number { "x" number }             one number serves all axes
 * option   = "s" stride | "p" padding | "d" dilation | "g" groups, in full or by the first letter
 * ```
 *
 * The first layer is `input`, without the batch axis: `1x28x28`, or `784`. `conv`, `deconv`, `pool`, `avgpool`, `dense`, `flatten`, `relu`, `batchnorm`,
 * `dropout`, `globalpool`, `upsample` and the activations are words; a wrong one is answered with all of them.
 *
 * @throws NetworkTextError that points at the mistake: unknown words, arguments that are missing, sizes that do not fit.
 * @example
 * ```ts
 * import { networkReport, parseNetwork } from "@convoke/shape-checker";
 *
 * const network = parseNetwork("input 3x32x32; repeat 2 (conv 16@3 same; relu); globalpool; dense 10");
 * console.log(networkReport(network).totals.parameters); // 2938
 * ```
 */
export function parseNetwork(text: string): Network {
  return new NetworkParser(text).parse();
}

class NetworkParser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  readonly #builder = new NetworkBuilder();
  readonly #counts = new Map<string, number>();
  readonly #paths = new Set<string>();
  #next = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokensOf(text);
  }

  parse(): Network {
    this.#skipSeparators();
    const first = this.#take();
    if (first?.text.toLowerCase() !== "input") {
      throw this.#mistake(
        first ?? this.#end(),
        "a network begins with its input.",
        'Write for instance "input 1x28x28; …", without the batch axis.',
      );
    }
    const { sizes } = readArguments(this.#text, [first, ...this.#arguments()], {
      usage: "input SIZE",
      example: "input 1x28x28",
      positional: "sizes",
      options: [],
      flags: [],
    });
    const shape = [1, ...sizes];
    const start = this.#placed([first, this.#tokens[this.#next - 1]!], () => {
      assertShape("input", shape);
      return this.#builder.input(shape);
    });
    const last = this.#sequence(start, "");
    const rest = this.#peek();
    if (rest !== undefined) {
      throw this.#mistake(
        rest,
        `"${rest.text}" closes nothing.`,
        "Take it out, or open the group before it.",
      );
    }
    if (last.index < 0) {
      throw this.#mistake(this.#end(), "there is no layer behind the input.", 'Add one: "…; conv 6@5x5".');
    }
    return this.#builder.finish("network");
  }

  /** Layers up to the end of the text or of the group. */
  #sequence(start: Value, prefix: string): Value {
    let value = start;
    for (;;) {
      this.#skipSeparators();
      const token = this.#peek();
      if (token === undefined || token.text === ")" || token.text === "|") return value;
      value = this.#layer(value, prefix);
    }
  }

  #layer(x: Value, prefix: string): Value {
    let word = this.#take()!;
    let given: Token | undefined;
    if (this.#peek()?.text === ":") {
      given = word;
      this.#take();
      const after = this.#take();
      if (after === undefined) {
        throw this.#mistake(this.#end(), `"${given.text}:" names no layer.`, "Write the layer behind it.");
      }
      word = after;
    }
    const keyword = word.text.toLowerCase();
    if (keyword === "residual") return this.#residual(x, { word, given, prefix });
    if (keyword === "repeat") return this.#repeat(x, word, prefix);
    const layer = textLayer(keyword);
    if (layer === undefined) throw this.#unknown(word);
    const tokens = [word, ...this.#arguments()];
    const read = readArguments(this.#text, tokens, layer);
    const name = { path: this.#path(given, layer.kind, prefix), kind: layer.kind };
    return this.#placed(tokens, () => layer.add(this.#builder, [name, x], read));
  }

  #residual(
    x: Value,
    { word, given, prefix }: { word: Token; given: Token | undefined; prefix: string },
  ): Value {
    const path = this.#path(given, "residual", prefix);
    const open = this.#open(word, "residual(conv 64@3 same; relu)");
    const body = this.#sequence(x, `${path}.`);
    let shortcut = x;
    if (this.#peek()?.text === "|") {
      this.#take();
      shortcut = this.#sequence(x, `${path}.shortcut.`);
    }
    const close = this.#close(open);
    const name: LayerName = { path, kind: "residual" };
    return this.#placed([word, close], () => addSum(this.#builder, name, [body, shortcut]));
  }

  #repeat(x: Value, word: Token, prefix: string): Value {
    const times = this.#take();
    const example = "repeat 3 (conv 64@3 same; relu)";
    if (times === undefined || !/^[1-9]\d{0,3}$/.test(times.text)) {
      throw this.#mistake(times ?? this.#end(), "repeat takes a number from 1 to 9999.", `Write ${example}.`);
    }
    const open = this.#open(word, example);
    const start = this.#next;
    let value = x;
    for (let i = 0; i < Number(times.text); i++) {
      const before = this.#paths.size;
      this.#next = start;
      value = this.#sequence(value, prefix);
      // An empty group stays empty, however often.
      if (this.#paths.size === before) break;
    }
    this.#close(open);
    return value;
  }

  #open(word: Token, example: string): Token {
    const open = this.#take();
    if (open?.text !== "(") {
      throw this.#mistake(open ?? word, `${word.text} takes a group in parentheses.`, `Write ${example}.`);
    }
    if (++this.#depth > deepest) {
      throw this.#mistake(open, `groups nest deeper than ${deepest}.`, "Nest them less.");
    }
    return open;
  }

  #close(open: Token): Token {
    const close = this.#take();
    this.#depth--;
    if (close?.text === ")") return close;
    if (close !== undefined) {
      throw this.#mistake(
        close,
        `"${close.text}" is out of place here.`,
        "Only a residual has two branches.",
      );
    }
    throw this.#mistake(open, "this group is not closed.", 'Write ")" behind its last layer.');
  }

  /** What a rule refuses is shown where it stands. */
  #placed(tokens: readonly Token[], add: () => Value): Value {
    const at = { start: tokens[0]!.start, end: tokens.at(-1)!.end };
    if (this.#paths.size > mostLayers) {
      throw this.#mistake(at, `there are more than ${mostLayers} layers.`, "Repeat less.");
    }
    try {
      return add();
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      const { operation, got, rule, wayOut } = error;
      throw this.#mistake(at, `${operation}: ${got}${rule}`, wayOut);
    }
  }

  /** `conv1`, `conv2` … where no name is given; a name that comes again gets a number. */
  #path(given: Token | undefined, kind: string, prefix: string): string {
    const wanted = `${prefix}${given?.text ?? kind}`;
    let count = (this.#counts.get(wanted) ?? 0) + 1;
    const numbered = (): string =>
      given === undefined ? `${wanted}${count}` : count === 1 ? wanted : `${wanted}-${count}`;
    while (this.#paths.has(numbered())) count++;
    const path = numbered();
    this.#counts.set(wanted, count);
    this.#paths.add(path);
    return path;
  }

  #arguments(): Token[] {
    const found: Token[] = [];
    for (let token = this.#peek(); token !== undefined && !token.isMark; token = this.#peek()) {
      found.push(token);
      this.#next++;
    }
    return found;
  }

  #skipSeparators(): void {
    while (this.#peek()?.text === ";") this.#next++;
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  #take(): Token | undefined {
    return this.#tokens[this.#next++];
  }

  #end(): Span {
    const end = this.#text.trimEnd().length;
    return { start: end, end: end + 1 };
  }

  #unknown(word: Token): NetworkTextError {
    const nearest = nearestWord(word.text.toLowerCase());
    const list = `Words are ${layerWords.join(", ")}, residual and repeat.`;
    return this.#mistake(
      word,
      word.isMark ? `"${word.text}" stands where a layer should.` : `there is no layer "${word.text}".`,
      nearest === undefined ? list : `Did you mean "${nearest}"? ${list}`,
    );
  }

  #mistake(at: Span, problem: string, wayOut: string): NetworkTextError {
    return new NetworkTextError({ text: this.#text, at, problem, wayOut });
  }
}

/** The word with the most pairs of neighbouring letters in common (Dice's coefficient), if that is half of them. */
function nearestWord(wanted: string): string | undefined {
  const pairs = (word: string): string[] => [...`^${word}`].map((letter, i) => letter + (word[i] ?? "$"));
  const own = pairs(wanted);
  const rated = [...layerWords, "residual", "repeat"].map((word) => {
    const others = pairs(word);
    const common = own.filter((pair) => others.includes(pair)).length;
    const letters = [...wanted].filter((letter) => word.includes(letter)).length;
    // Swapped letters break every pair, but the letters are the same.
    const isSwapped = [...wanted].sort().join("") === [...word].sort().join("");
    return { word, rating: isSwapped ? 1 : (2 * common + letters / 100) / (own.length + others.length) };
  });
  const [best] = rated.sort((a, b) => b.rating - a.rating);
  return best !== undefined && best.rating >= 0.5 ? best.word : undefined;
}
