// The path of the layer that is running: it names nodes, messages and ONNX nodes.

let scope = "";
let recordOrigins = false;

export function currentScope(): string {
  return scope;
}

/** Runs `fn` with `path` as the scope of the nodes that it makes. */
export function withScope<T>(path: string, fn: () => T): T {
  const outer = scope;
  scope = path;
  try {
    return fn();
  } finally {
    scope = outer;
  }
}

/** `conv2d "features.0"` inside a layer, `conv2d` outside: how an operation is named in messages. */
export function describeOperation(name: string, path = scope): string {
  return path === "" ? name : `${name} "${path}"`;
}

/** In debug mode every node remembers where it was created. */
export function setRecordOrigins(on: boolean): void {
  recordOrigins = on;
}

/** The first line of the call stack outside this package, in debug mode. */
export function currentOrigin(): string | undefined {
  if (!recordOrigins) return undefined;
  const frames = (new Error("origin").stack ?? "").split("\n").slice(1);
  return frames
    .map((line) => line.trim())
    .find((line) => !/[\\/]core[\\/](src|dist)[\\/](?!.*\.test\.)/.test(line));
}
