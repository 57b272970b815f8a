// Compiled programs, by backend and structure, in a bounded cache.
import type { Backend, Program } from "../backend/backend.js";
import { lowerFor, type Wrap } from "../graph/passes/lower.js";
import { mergeCommonSubexpressions } from "../graph/passes/common-subexpressions.js";
import { removeIdentities } from "../graph/passes/identities.js";
import { structureKey, type Graph } from "../graph/graph.js";

const CAPACITY = 256;

const caches = new WeakMap<Backend, Map<string, Promise<Program>>>();

/** Runs the passes over `graph` and compiles it, or gives the program that was compiled for the same structure. */
export function programFor(backend: Backend, graph: Graph, wrap: Wrap): Promise<Program> {
  const cache = caches.get(backend) ?? new Map<string, Promise<Program>>();
  caches.set(backend, cache);
  const key = structureKey(graph);
  const known = cache.get(key);
  if (known !== undefined) {
    // Least recently used programs go first: a hit moves to the end.
    cache.delete(key);
    cache.set(key, known);
    return known;
  }
  const program = compileGraph(backend, graph, wrap);
  cache.set(key, program);
  program.catch(() => cache.delete(key));
  const [oldest] = cache;
  if (cache.size > CAPACITY && oldest !== undefined) {
    cache.delete(oldest[0]);
    oldest[1].then((old) => old.dispose()).catch(() => undefined);
  }
  return program;
}

/** The passes, in their order, then the backend's own compilation. */
export async function compileGraph(backend: Backend, graph: Graph, wrap: Wrap): Promise<Program> {
  const lowered = lowerFor(backend, removeIdentities(graph), wrap);
  return backend.compile(mergeCommonSubexpressions(removeIdentities(lowered)));
}
