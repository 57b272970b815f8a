// Flags of WebGPU by their numbers in its specification: Node has no globals for them.

/** What a buffer is used for: https://www.w3.org/TR/webgpu/#buffer-usage */
export const USAGE = {
  mapRead: 0x01,
  copySource: 0x04,
  copyDestination: 0x08,
  storage: 0x80,
  queryResolve: 0x200,
} as const;

/** What a buffer is mapped for: https://www.w3.org/TR/webgpu/#map-modes */
export const MAP_MODE_READ = 1;
