// A network in few stages, for the picture: layers that keep the shape stand together.
import type { Shape } from "@convoke/shape";
import { hueOf, type Hue } from "./picture-style.js";
import type { LayerReport, ModelReport } from "./report.js";

export interface Stage {
  readonly label: string;
  readonly hue: Hue;
  readonly shape: Shape;
  /** How many layers it stands for. */
  readonly layers: number;
}

/** More blocks than this do not fit a line. */
const mostStages = 14;

/** The input, and one stage for each run of layers with one output shape; in a deep net for each size of the maps. */
export function stagesOf({ inputShape, layers }: ModelReport): Stage[] {
  const shown = layers.filter(({ outputShape }) => outputShape !== undefined && outputShape.length > 0);
  const input: Stage = { label: "input", hue: "input", shape: inputShape, layers: 0 };
  const byShape = [input, ...runs(shown, (shape) => shape.join())];
  if (byShape.length <= mostStages) return byShape;
  const bySize = [input, ...runs(shown, (shape) => (shape.length === 1 ? "list" : shape.slice(1).join()))];
  // Still too many: those in the middle are left out.
  return bySize.length <= mostStages ? bySize : [...bySize.slice(0, mostStages - 2), ...bySize.slice(-2)];
}

function runs(layers: readonly LayerReport[], keyOf: (shape: Shape) => string): Stage[] {
  const groups: LayerReport[][] = [];
  for (const layer of layers) {
    const last = groups.at(-1)?.at(-1);
    if (last !== undefined && keyOf(last.outputShape!) === keyOf(layer.outputShape!))
      groups.at(-1)!.push(layer);
    else groups.push([layer]);
  }
  return groups.map((group): Stage => {
    const main = group.find((layer) => hueOf(layer) !== "other") ?? group[0]!;
    const weighted = group.filter(({ neurons }) => neurons !== undefined).length;
    const name = main.path.split(".").slice(-1)[0] || main.kind;
    return {
      label: weighted > 1 ? `${weighted} layers` : /^\d+$/.test(name) ? main.kind : name,
      hue: hueOf(main),
      shape: group.reduce((widest, { outputShape }) => wider(widest, outputShape!), group[0]!.outputShape!),
      layers: group.length,
    };
  });
}

function wider(a: Shape, b: Shape): Shape {
  return (b[0] ?? 0) > (a[0] ?? 0) ? b : a;
}
