// Models whose weights lie in files beside them, on a server.
import { ConvokeError } from "@convoke/core";
import { externalDataLocations, type ExternalData, type OnnxRunner } from "@convoke/onnx";

/** The bytes of a model at an address, and of the files beside it that it names. */
export async function readModelFiles(
  file: string,
): Promise<{ bytes: Uint8Array; externalData: ExternalData }> {
  const address = new URL(file, globalThis.location.href);
  const bytes = await fetched(address);
  const files = new Map<string, Uint8Array>();
  for (const location of externalDataLocations(bytes)) {
    const beside = new URL(location, address);
    // What leads elsewhere is not fetched; the reader refuses it by its name.
    if (beside.href.startsWith(new URL(".", address).href)) files.set(location, await fetched(beside));
  }
  return { bytes, externalData: (location) => files.get(location) };
}

async function fetched(address: URL): Promise<Uint8Array> {
  const response = await fetch(address);
  if (response.ok) return new Uint8Array(await response.arrayBuffer());
  throw new ConvokeError({
    operation: `read "${address.href}"`,
    problem: `the server answers ${response.status} ${response.statusText}.`,
    wayOut: "Check the address; files of weights lie beside their model.",
  });
}

/** Without a file system everything goes through memory. */
export function throughFiles(runner: OnnxRunner, _target: string): OnnxRunner {
  return runner;
}
