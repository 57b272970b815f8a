/** Offers files to the visitor as downloads under the last parts of their names. In a worker there is no page to do it. */
export function saveFiles(
  files: readonly { readonly file: string; readonly chunks: Iterable<Uint8Array> }[],
): Promise<void> {
  const page: Document | undefined = globalThis.document;
  if (page === undefined) {
    return Promise.reject(
      new Error(
        "saveFiles: a worker has no page to download from; call exportOnnx without a name and use its bytes.",
      ),
    );
  }
  for (const { file, chunks } of files) {
    // Copies: a Blob takes no views of shared memory.
    const parts = Array.from(chunks, (chunk) => new Uint8Array(chunk));
    const url = URL.createObjectURL(new Blob(parts, { type: "application/octet-stream" }));
    const link = page.createElement("a");
    link.href = url;
    link.download = file.split("/").at(-1) ?? file;
    link.click();
    // The download has begun by then; earlier, some browsers would cancel it.
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }
  return Promise.resolve();
}
