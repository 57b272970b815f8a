import { describe, expect, it } from "vitest";
import { importSources, planOf } from "../scripts/traced-loops.mjs";

// Bundles all sources.
describe.runIf(process.env["CONVOKE_FULL"] !== undefined)(
  "the scripts that measure element loops (not run without CONVOKE_FULL)",
  () => {
    it("find the sources, and trace what runs as one loop", async () => {
      const sources = await importSources();
      const plan = await planOf(sources, (x, y) => x.add(y).exp(), [
        [2, 3],
        [2, 3],
      ]);
      expect(plan.instructions).toHaveLength(1);
      expect(plan.instructions[0]!.loop?.steps.map(({ op }) => op)).toEqual(["add", "exp"]);
    });
  },
);
