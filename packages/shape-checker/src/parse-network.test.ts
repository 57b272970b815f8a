import { describe, expect, it } from "vitest";
import { NetworkTextError, parseNetwork, textReport } from "./index.js";

function shapesOf(text: string): unknown[] {
  return textReport(text).layers.map(({ path, outputShape }) => [path, outputShape]);
}

function messageOf(text: string): string {
  try {
    parseNetwork(text);
  } catch (error) {
    if (error instanceof NetworkTextError) return error.message;
    throw error;
  }
  return "it is read";
}

describe("a network in words", () => {
  it("takes separators, comments, names and the short and the long words for options", () => {
    const short = textReport("input 3x32x32; c: conv 8@3x5 s2 p1x2 d1 g1; POOL 2x2 s=2; gap; fc 10");
    const long = textReport(`
      input 3×32×32   # colour
      c: conv2d 8@3×5 stride=2 padding=1x2 dilation=1 groups=1

      maxpool 2 stride=2;; globalavgpool
      linear 10
    `);
    expect(short.totals).toEqual(long.totals);
    expect(short.layers.map(({ path }) => path)).toEqual(["c", "pool1", "globalpool1", "dense1"]);
    expect(short.layers[0]?.outputShape).toEqual([8, 16, 16]);
  });

  it("has one, two and three spatial axes", () => {
    expect(shapesOf("input 4x100; conv 8@3 p=1; pool 2; globalmax; dense 2")).toEqual([
      ["conv1", [8, 100]],
      ["pool1", [8, 50]],
      ["globalmax1", [8]],
      ["dense1", [2]],
    ]);
    expect(shapesOf("input 1x8x9x10; conv 2@3x2x1")).toEqual([["conv1", [2, 6, 8, 10]]]);
  });

  it("has residual connections, with and without a shortcut, and repeats", () => {
    const text =
      "input 4x8x8; repeat 2 (residual(conv 4@3 same; relu)); r: residual(conv 8@3 s=2 p=1 | conv 8@1 s=2)";
    expect(shapesOf(text)).toEqual([
      ["residual1.conv1", [4, 8, 8]],
      ["residual1.relu1", [4, 8, 8]],
      ["residual1", [4, 8, 8]],
      ["residual2.conv1", [4, 8, 8]],
      ["residual2.relu1", [4, 8, 8]],
      ["residual2", [4, 8, 8]],
      ["r.conv1", [8, 4, 4]],
      ["r.shortcut.conv1", [8, 4, 4]],
      ["r", [8, 4, 4]],
    ]);
    expect(textReport(text).layers.at(-1)?.inputs).toEqual([6, 7]);
  });

  it("upsamples and transposes", () => {
    expect(shapesOf("input 8x7x7; deconv 4@2 s=2; upsample 2; deconv 1@3 s=2 p=1 op=1")).toEqual([
      ["deconv1", [4, 14, 14]],
      ["upsample1", [4, 28, 28]],
      ["deconv2", [1, 56, 56]],
    ]);
  });

  it("points at every kind of mistake", () => {
    const texts = [
      "",
      "conv 6@5",
      "input",
      "input 1x28x28",
      "input 1x28x28; cnov 6@5",
      "input 1x28x28; conv 6x5",
      "input 1x28x28; conv",
      "input 1x28x28; conv 6@5 s=0",
      "input 1x28x28; conv 6@5 q=3; pool 2",
      "input 1x28x28; pool 2 nobias",
      "input 1x28x28; conv 6@5 p=1 same",
      "input 1x28x28\nconv 6@5\npool 2\nc3: conv 16@99 s=2 # large",
      "input 1x28x28; dense 10",
      "input 784; conv 6@5",
      "input 3x8x8; conv 4@3 g=2",
      "input 3x8x8; conv 4@3x3x3",
      "input 1x28x28; residual(conv 2@3 same)",
      "input 1x28x28; residual(conv 1@3 same; relu",
      "input 1x28x28; repeat x (relu)",
      "input 1x28x28; repeat 2 relu",
      "input 1x28x28; relu) ; relu",
      "input 1x28x28; repeat 2 (relu | relu)",
      "input 1x28x28; c1:",
      "input 99999999x99999999x99999999; relu",
    ];
    const messages = texts.map((text) => messageOf(text).replace(/Words are .*/, "Words are …"));
    expect(messages.join("\n\n")).toMatchInlineSnapshot(`
      "network: a network begins with its input.
          
          ^
        Write for instance "input 1x28x28; …", without the batch axis.

      network: a network begins with its input.
          conv 6@5
          ^^^^
        Write for instance "input 1x28x28; …", without the batch axis.

      network: input needs a size.
          input
          ^^^^^
        It is written input SIZE, for instance "input 1x28x28".

      network: there is no layer behind the input.
          input 1x28x28
                       ^
        Add one: "…; conv 6@5x5".

      network: there is no layer "cnov".
          input 1x28x28; cnov 6@5
                         ^^^^
        Did you mean "conv"? Words are …

      network: "6x5" is no number of filters with a kernel, like 6@5x5.
          input 1x28x28; conv 6x5
                              ^^^
        It is written conv FILTERS@KERNEL [s=STRIDE] [p=PADDING] [d=DILATION] [g=GROUPS] [same] [nobias], for instance "conv 6@5x5 p=2".

      network: conv needs its filters.
          input 1x28x28; conv
                         ^^^^
        It is written conv FILTERS@KERNEL [s=STRIDE] [p=PADDING] [d=DILATION] [g=GROUPS] [same] [nobias], for instance "conv 6@5x5 p=2".

      network: stride is "0", it takes whole numbers of at least 1.
          input 1x28x28; conv 6@5 s=0
                                  ^^^
        It is written conv FILTERS@KERNEL [s=STRIDE] [p=PADDING] [d=DILATION] [g=GROUPS] [same] [nobias], for instance "conv 6@5x5 p=2".

      network: conv does not take "q=3".
          input 1x28x28; conv 6@5 q=3; pool 2
                                  ^^^
        It is written conv FILTERS@KERNEL [s=STRIDE] [p=PADDING] [d=DILATION] [g=GROUPS] [same] [nobias], for instance "conv 6@5x5 p=2".

      network: pool takes no "nobias".
          input 1x28x28; pool 2 nobias
                                ^^^^^^
        It is written pool SIZE [s=STRIDE] [p=PADDING] [d=DILATION] [same] [ceil], for instance "pool 3 s=2".

      network: padding is given twice.
          input 1x28x28; conv 6@5 p=1 same
                                      ^^^^
        It is written conv FILTERS@KERNEL [s=STRIDE] [p=PADDING] [d=DILATION] [g=GROUPS] [same] [nobias], for instance "conv 6@5x5 p=2".

      network: conv "c3": kernel 99×99 does not fit the 12×12 input with padding 0; the input is [1, 6, 12, 12], a window must lie inside the padded input.
          c3: conv 16@99 s=2 # large
              ^^^^^^^^^^^^^^
        Use a kernel of at most 12×12, or padding of at least 44.

      network: dense "dense1": the input [1, 28, 28] has 3 axes, it takes a list of features.
          input 1x28x28; dense 10
                         ^^^^^^^^
        Put flatten or globalpool before it.

      network: conv "conv1": the input [784] has 0 axes behind the channels, it takes at least one.
          input 784; conv 6@5
                     ^^^^^^^^
        Begin with channels and sizes: input 1x28x28.

      network: conv "conv1": input channels 3 are not divisible by groups 2; the input is [1, 3, 8, 8].
          input 3x8x8; conv 4@3 g=2
                       ^^^^^^^^^^^^
        Use groups 1, or 4 input channels.

      network: conv "conv1": the input [3, 8, 8] has 2 axes behind the channels, the kernel 3x3x3 has 3.
          input 3x8x8; conv 4@3x3x3
                       ^^^^^^^^^^^^
        Give one number for all axes.

      network: residual "residual1": the body gives [2, 28, 28], the shortcut [1, 28, 28], the two must have the same shape to be added.
          input 1x28x28; residual(conv 2@3 same)
                         ^^^^^^^^^^^^^^^^^^^^^^^
        Give the residual a shortcut with the filters and the stride of its body: residual(… | conv 64@1 s=2).

      network: this group is not closed.
          input 1x28x28; residual(conv 1@3 same; relu
                                 ^
        Write ")" behind its last layer.

      network: repeat takes a number from 1 to 9999.
          input 1x28x28; repeat x (relu)
                                ^
        Write repeat 3 (conv 64@3 same; relu).

      network: repeat takes a group in parentheses.
          input 1x28x28; repeat 2 relu
                                  ^^^^
        Write repeat 3 (conv 64@3 same; relu).

      network: ")" closes nothing.
          input 1x28x28; relu) ; relu
                             ^
        Take it out, or open the group before it.

      network: "|" is out of place here.
          input 1x28x28; repeat 2 (relu | relu)
                                        ^
        Only a residual has two branches.

      network: "c1:" names no layer.
          input 1x28x28; c1:
                            ^
        Write the layer behind it.

      network: input: [1, 99999999, 99999999, 99999999] has 9.999999700000002e+23 elements, it must be at most 2^53.
          input 99999999x99999999x99999999; relu
          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        Make an axis smaller."
    `);
  });

  it("says where the mistake stands, also in a long line", () => {
    const text = `input 1x99x99; ${"conv 1@1; ".repeat(30)}cnov 6@5; ${"relu; ".repeat(30)}`;
    expect(messageOf(text).split("\n").slice(1, 3)).toMatchInlineSnapshot(`
      [
        "    … conv 1@1; conv 1@1; conv 1@1; conv 1@1; cnov 6@5; relu; relu; relu; relu; relu; relu; relu …",
        "                                              ^^^^",
      ]
    `);
    try {
      parseNetwork(text);
    } catch (error) {
      expect(error instanceof NetworkTextError && text.slice(error.at.start, error.at.end)).toBe("cnov");
    }
  });

  it("ends on any text", () => {
    expect(messageOf("input 1; repeat 9999 (repeat 9999 (repeat 9999 (relu)))")).toContain(
      "more than 10000 layers",
    );
    expect(messageOf(`input 1; ${"residual(".repeat(100)}`)).toContain("nest deeper than 64");
    expect(messageOf("input 1; relu; repeat 9999 (repeat 9999 (repeat 9999 ()))")).toBe("it is read");
    expect(messageOf("input 1; \u0007\u001b[31m")).toContain("there is no layer");
    expect(messageOf("input 1; \u0007\u001b[31m")).not.toContain("\u001b");
  });
});
