import { describe, expect, it } from "vitest";
import { nearestName, suggestion } from "./nearest-name.js";

const names = ["mnist", "fashion-mnist", "synthetic-digits"];

describe("nearestName", () => {
  it.each([
    ["mnits", "mnist"],
    ["MNIST", "mnist"],
    ["fashion_mnist", "fashion-mnist"],
    ["sythetic-digit", "synthetic-digits"],
  ])("takes %s for %s", (wanted, nearest) => {
    expect(nearestName(wanted, names)).toBe(nearest);
  });

  it("suggests nothing where nothing is near", () => {
    expect(nearestName("imagenet", names)).toBeUndefined();
    expect(suggestion("imagenet", names)).toBe("Known are: mnist, fashion-mnist, synthetic-digits.");
  });
});
