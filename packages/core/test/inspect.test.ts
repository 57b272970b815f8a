import { inspect } from "node:util";
import { zeros } from "@convoke/core";
import { expect, it } from "vitest";

it("console.log shows a tensor's type and shape, and not the graph behind it", () => {
  expect(inspect(zeros([2, 3]).add(1))).toBe("Tensor float32 [2, 3]");
});
