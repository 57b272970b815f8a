/** The bundled code of one platform's worker. */
export function workerCode(platform: string): Promise<string>;
/** The generated module that holds it. */
export function workerModule(code: string): string;
