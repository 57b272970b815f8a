// The suite again where the adapter counts as hardware whatever it is: tiles in place of strips, reductions by whole
// workgroups and, where there are subgroups, through these.
import { it } from "vitest";
import { describeConformance } from "../test/describe-conformance.js";

if (process.env["CONVOKE_FULL"] !== undefined) await describeConformance({ isSoftware: false });
else
  it.skip("conformance of webgpu as on hardware (not run: it takes minutes, set CONVOKE_FULL=1)", () =>
    undefined);
