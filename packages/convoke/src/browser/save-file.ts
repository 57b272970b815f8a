/** Offers the bytes to the visitor as a download under the last part of the name. In a worker there is no page to do it. */
export function saveFile(file: string, bytes: Uint8Array): Promise<void> {
  const page: Document | undefined = globalThis.document;
  if (page === undefined) {
    return Promise.reject(
      new Error(
        "saveFile: a worker has no page to download from; call exportOnnx without a name and use its bytes.",
      ),
    );
  }
  const url = URL.createObjectURL(new Blob([new Uint8Array(bytes)], { type: "application/octet-stream" }));
  const link = page.createElement("a");
  link.href = url;
  link.download = file.split("/").at(-1) ?? file;
  link.click();
  // The download has begun by then; earlier, some browsers would cancel it.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
  return Promise.resolve();
}
