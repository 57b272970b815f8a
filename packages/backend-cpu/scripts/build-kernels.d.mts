/** The binaries that the sources compile to, by name. */
export function compileKernels(): Promise<Map<string, Buffer<ArrayBuffer>>>;
/** The binaries that the generated module holds. */
export function generatedKernels(): Promise<Map<string, Buffer<ArrayBuffer>>>;
