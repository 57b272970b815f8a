// The row tables that the tests of the functions read, as cases for the compiler.
import { broadcastRows, broadcastToRows } from "../../packages/shape/src/broadcast.rows.js";
import { convTransposeRows } from "../../packages/shape/src/convolution-transpose.rows.js";
import { convRows } from "../../packages/shape/src/convolution.rows.js";
import { gatherRows } from "../../packages/shape/src/indexing.rows.js";
import * as joining from "../../packages/shape/src/joining.rows.js";
import { matmulRows } from "../../packages/shape/src/matmul.rows.js";
import * as movement from "../../packages/shape/src/movement.rows.js";
import { poolRows } from "../../packages/shape/src/pooling.rows.js";
import { reduceRows } from "../../packages/shape/src/reduce.rows.js";
import { padRows, sliceRows } from "../../packages/shape/src/slicing.rows.js";
import { upsampleRows } from "../../packages/shape/src/upsample.rows.js";
import { windowRows } from "../../packages/shape/src/window.rows.js";
import { type Case, equalLine } from "./agreement-cases.js";

const tables: readonly (readonly [type: string, rows: readonly (readonly unknown[])[]])[] = [
  ["Broadcast", broadcastRows],
  ["BroadcastTo", broadcastToRows.map(([from, to]) => [from, to, to])],
  ["Conv", convRows],
  ["ConvTranspose", convTransposeRows],
  ["Matmul", matmulRows],
  ["Reshape", movement.reshapeRows],
  ["Permute", movement.permuteRows],
  ["Transpose", movement.transposeRows],
  ["Concat", joining.concatRows],
  ["Stack", joining.stackRows],
  ["Slice", sliceRows.map(([s, ranges, { shape }]) => [s, ranges, shape])],
  ["Pad", padRows],
  ["Squeeze", movement.squeezeRows],
  ["Unsqueeze", movement.unsqueezeRows],
  ["Flatten", movement.flattenRows],
  ["Gather", gatherRows],
  ["Tile", joining.tileRows],
  ["Repeat", joining.repeatRows],
  ["Pool", poolRows],
  ["Reduce", reduceRows],
  ["Upsample", upsampleRows],
  ["Window", windowRows],
];

/** Every row: the last entry is what the others give. */
export function rowCases(): Case[] {
  return tables.flatMap(([type, rows]) =>
    rows.map((row) => ({
      rule: `${type.charAt(0).toLowerCase()}${type.slice(1)}`,
      line: equalLine(type, row.slice(0, -1), row.at(-1)),
    })),
  );
}
