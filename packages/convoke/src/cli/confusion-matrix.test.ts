import { describe, expect, it } from "vitest";
import { confusionMatrix, formatConfusion } from "./confusion-matrix.js";

describe("confusionMatrix", () => {
  it("counts the true class by row and the predicted one by column", () => {
    const matrix = confusionMatrix(3, [
      [0, 0],
      [0, 2],
      [1, 1],
    ]);
    expect(matrix).toEqual([
      [1, 0, 1],
      [0, 1, 0],
      [0, 0, 0],
    ]);
    expect(`\n${formatConfusion(matrix, ["cat", "dog", "owl"])}`).toMatchInlineSnapshot(`
      "
      true     0   1   2   recall
      0 cat    1   ·   1   50.0 %
      1 dog    ·   1   ·  100.0 %
      2 owl    ·   ·   ·        -"
    `);
  });
});
