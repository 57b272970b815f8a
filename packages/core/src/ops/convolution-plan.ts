// How the reference kernels of convolution go about their work: group by group, as matrix products with columns.
import { shapeSize } from "@convoke/shape";
import { Columns, type WindowGeometry } from "./columns.js";
import type { HostArray } from "./definition.js";
import type { MatrixView } from "./matrix-product.js";

/** Where the windows lie, spelt out: one number per spatial axis, padding [before, after]. */
export interface ConvAttributes extends WindowGeometry {
  readonly groups: number;
}

/** The sizes that the kernels of convolution and its transposes share; `channels` and `filters` are those of one group. */
export interface Plan {
  readonly samples: number;
  readonly groups: number;
  readonly channels: number;
  readonly filters: number;
  readonly plane: number;
  readonly windows: number;
  readonly columns: Columns;
  /** Room for the columns of one group of one sample. */
  readonly matrix: MatrixView;
}

/** Lays out the work for input x, kernels w and output y, of which only the shapes matter. */
export function planOf(
  { x, w, y }: Readonly<Record<"x" | "w" | "y", HostArray>>,
  { groups, ...geometry }: ConvAttributes,
): Plan {
  const [spatial, kernel, output] = [x.shape.slice(2), w.shape.slice(2), y.shape.slice(2)];
  const rows = shapeSize(w.shape.slice(1));
  const windows = shapeSize(output);
  return {
    samples: x.shape[0]!,
    groups,
    channels: w.shape[1]!,
    filters: w.shape[0]! / groups,
    plane: shapeSize(spatial),
    windows,
    columns: new Columns(spatial, { kernel, output, geometry }),
    matrix: { data: new Float64Array(rows * windows), offset: 0, rows, columns: windows },
  };
}

/** One group of one sample: where its channels begin in x, and its matrices in w and y. */
export interface Group {
  readonly group: number;
  readonly xOffset: number;
  readonly filters: Omit<MatrixView, "data">;
  readonly outputs: Omit<MatrixView, "data">;
}

export function forEachGroup(plan: Plan, visit: (group: Group) => void): void {
  const { samples, groups, filters, windows } = plan;
  const rows = plan.matrix.rows;
  for (let n = 0; n < samples; n++) {
    for (let group = 0; group < groups; group++) {
      visit({
        group,
        xOffset: (n * groups + group) * plan.channels * plan.plane,
        filters: { offset: group * filters * rows, rows: filters, columns: rows },
        outputs: { offset: (n * groups + group) * filters * windows, rows: filters, columns: windows },
      });
    }
  }
}
