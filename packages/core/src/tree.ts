// Trees of tensors: arrays and plain objects, nested as deep as one likes.
import { Tensor } from "./tensor.js";

/** Takes a tree apart: its tensors in order, and a function that puts others in their places. */
export interface Flattened {
  readonly tensors: readonly Tensor[];
  /** Everything that is no tensor, and how it hangs together: equal for trees of equal structure. */
  readonly structure: string;
  unflatten(tensors: readonly Tensor[]): unknown;
}

const identities = new WeakMap<object, number>();
let nextIdentity = 0;

function identityOf(value: object): number {
  let id = identities.get(value);
  if (id === undefined) identities.set(value, (id = nextIdentity++));
  return id;
}

/**
 * Flattens a tree. Arrays and plain objects are nodes, tensors are leaves; numbers, strings, booleans, null and
 * undefined are static; any other object or function is static by identity.
 */
export function flattenTree(tree: unknown): Flattened {
  const tensors: Tensor[] = [];
  const structure: string[] = [];
  const walk = (node: unknown): void => {
    if (node instanceof Tensor) {
      tensors.push(node);
      structure.push(`T${node.dtype}[${node.shape.join()}]`);
    } else if (Array.isArray(node)) {
      structure.push("[");
      for (const item of node) walk(item);
      structure.push("]");
    } else if (isPlainObject(node)) {
      structure.push("{");
      for (const [key, value] of Object.entries(node)) {
        structure.push(`${JSON.stringify(key)}:`);
        walk(value);
      }
      structure.push("}");
    } else if ((typeof node === "object" && node !== null) || typeof node === "function") {
      structure.push(`#${identityOf(node)}`);
    } else if (typeof node === "number" || typeof node === "bigint") {
      structure.push(`${typeof node}${Object.is(node, -0) ? "-0" : String(node)}`);
    } else {
      structure.push(JSON.stringify(node) ?? typeof node);
    }
  };
  walk(tree);
  return {
    tensors,
    structure: structure.join(" "),
    unflatten(replacements) {
      let position = 0;
      const build = (node: unknown): unknown => {
        if (node instanceof Tensor) return replacements[position++];
        if (Array.isArray(node)) return node.map(build);
        if (isPlainObject(node))
          return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, build(value)]));
        return node;
      };
      return build(tree);
    },
  };
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
