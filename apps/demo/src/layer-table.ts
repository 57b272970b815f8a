// The network as a table: each layer with its output and its parameters.
import type { NetworkReport } from "./protocol.js";

/** Writes the rows of `table`, totals included. */
export function showNetwork(table: HTMLTableElement, network: NetworkReport): void {
  const largest = Math.max(1, ...network.layers.map(({ parameters }) => parameters));
  const body = document.createElement("tbody");
  body.append(rowOf(["input", "", shapeText(network.inputShape), ""], 0));
  for (const { name, kind, outputShape, parameters } of network.layers) {
    const cells = [name, kind, shapeText(outputShape), parameters === 0 ? "" : countText(parameters)];
    body.append(rowOf(cells, parameters / largest));
  }
  const foot = document.createElement("tfoot");
  foot.append(rowOf(["in all", "", "", countText(network.parameters)], 0));
  table.tBodies[0]?.remove();
  table.tFoot?.remove();
  table.append(body, foot);
}

/** One row; the first cell heads it, and `share` of the last is filled. */
function rowOf(cells: readonly string[], share: number): HTMLTableRowElement {
  const row = document.createElement("tr");
  cells.forEach((content, i) => {
    const cell = document.createElement(i === 0 ? "th" : "td");
    if (i === 0) cell.setAttribute("scope", "row");
    cell.textContent = content;
    if (i === cells.length - 1) cell.style.setProperty("--share", String(share));
    row.append(cell);
  });
  return row;
}

function shapeText(shape: readonly number[]): string {
  return shape.join(" × ");
}

export function countText(count: number): string {
  return count.toLocaleString("en-US");
}
