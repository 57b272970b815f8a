// What the WebAssembly engine can do.

export interface EngineFeatures {
  /** Vectors of four floats. */
  readonly simd: boolean;
  /** Fused multiply-add on vectors. */
  readonly relaxedSimd: boolean;
  /** Memory that several threads see. */
  readonly sharedMemory: boolean;
}

export function engineFeatures(): EngineFeatures {
  return {
    simd: WebAssembly.validate(probe([0x41, 0, 0xfd, 17, 0x1a])),
    relaxedSimd: WebAssembly.validate(
      probe([0x41, 0, 0xfd, 17, 0x41, 0, 0xfd, 17, 0x41, 0, 0xfd, 17, 0xfd, 0x85, 0x02, 0x1a]),
    ),
    sharedMemory: canShareMemory(),
  };
}

/** A module with one function of this code. */
function probe(code: readonly number[]): Uint8Array<ArrayBuffer> {
  const body = [0, ...code, 0x0b];
  return Uint8Array.of(
    0,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    1,
    4,
    1,
    0x60,
    0,
    0,
    3,
    2,
    1,
    0,
    10,
    body.length + 2,
    1,
    body.length,
    ...body,
  );
}

/** Pages without cross-origin isolation have no SharedArrayBuffer, or one that no worker accepts. */
function canShareMemory(): boolean {
  if (typeof SharedArrayBuffer === "undefined") return false;
  return (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated !== false;
}
