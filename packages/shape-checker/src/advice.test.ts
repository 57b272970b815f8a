import { describe, expect, it } from "vitest";
import { textReport } from "./index.js";

function adviceOn(text: string): string {
  return textReport(text)
    .advice.map(({ rule, layer, message }) => `${layer}: ${rule}: ${message}`)
    .join("\n");
}

describe("advice", () => {
  it("is given on each of its subjects", () => {
    const texts = [
      "input 32x20x20; conv 32@5 same",
      "input 8x16x16; conv 8@3 p=1; relu; flatten; dropout; dense 100; dense 4",
      "input 200; dense 100; dense 4",
      "input 1x12x11; conv 2@4 s=5",
      "input 1x12; pool 5 s=4",
      "input 1x12x12; conv 2@1 s=2",
      "input 1x9x9; conv 2@1 p=1",
      "input 1x9x9; conv 2@4 same",
    ];
    expect(texts.map((text) => `${text}\n${adviceOn(text)}`).join("\n\n")).toMatchInlineSnapshot(`
      "input 32x20x20; conv 32@5 same
      conv1: smaller kernels: 5×5 has 25,632 parameters; stacks that see the same: 3×3 + 3×3 has 18,496 (−28 %). Each layer more also brings a non-linearity.

      input 8x16x16; conv 8@3 p=1; relu; flatten; dropout; dense 100; dense 4
      dense1: heavy dense layer: it holds 100 % of all parameters (204,900). A global average pool of the [8, 16, 16] before it would leave 900.

      input 200; dense 100; dense 4
      dense1: heavy dense layer: it holds 98 % of all parameters (20,100). Fewer units, or fewer inputs, save most.

      input 1x12x11; conv 2@4 s=5
      conv1: gaps between windows: a stride of 5×5 jumps over elements between windows of 4×4: they are never read. Use a kernel of at least the stride.

      input 1x12; pool 5 s=4
      pool1: unread remainder: no window reaches the last 3 elements of axis 1 of the 12 input. An input of 9, or more padding, leaves none.

      input 1x12x12; conv 2@1 s=2
      conv1: gaps between windows: a stride of 2×2 jumps over elements between windows of 1×1: they are never read. Use a kernel of at least the stride.

      input 1x9x9; conv 2@1 p=1
      conv1: dead border: windows of 1×1 at the border lie wholly in the padding: those outputs are the bias, whatever the image. Use padding below the kernel's reach.

      input 1x9x9; conv 2@4 same
      conv1: even kernel: a 4×4 kernel has no centre, so "same" pads one side more and the map moves by half an element. An odd kernel stays in place."
    `);
  });

  it("is not given where nothing is wrong", () => {
    const fine = [
      // A first layer: 3×3 twice would have more parameters.
      "input 1x32x32; conv 6@5",
      // What is left over lies in the padding.
      "input 1x32x32; conv 6@5 s=2 p=1",
      "input 3x224x224; conv 96@11 s=4 p=2; pool 3 s=2",
      "input 1x9x9; conv 2@4 s=2 same",
      "input 1x9x9; conv 2@3 p=2",
      "input 64x9x9; conv 64@5 s=2 p=2; conv 64@5 d=2 p=4; conv 64@5 g=64 p=2",
    ];
    expect(fine.map(adviceOn)).toEqual(fine.map(() => ""));
  });
});
