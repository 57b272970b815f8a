// Weights in a file beside the model, as the ONNX specification lays it out:
// https://github.com/onnx/onnx/blob/main/docs/ExternalData.md
import { joinPieces, type Init } from "../proto/codec.js";
import { OnnxFormatError } from "../proto/format-error.js";
import { EXTERNAL, type TensorProto } from "../proto/messages.js";
import { staysInFolder, tensorHead, tensorToProto } from "./tensor-codec.js";
import type { NamedTensor } from "./tensor-data.js";

/** Which tensors of a model are written to a file of their own, and how that is called. */
export interface ExternalDataOptions {
  /** Its path relative to the model, whose folder it may not leave; parts are divided by `/`. */
  readonly file: string;
  /** Tensors of at least so many bytes go there; 1024 by default, as in ONNX's own writer. */
  readonly threshold?: number;
}

/** A file of weights that is still to be written: its bytes come in pieces, so that nobody has to hold all at once. */
export interface DataFile {
  /** Its path relative to the model. */
  readonly file: string;
  readonly byteLength: number;
  /** The pieces in order. Most are views of the weights: write them, do not change them. */
  chunks(): Iterable<Uint8Array>;
}

/** Offsets are multiples of a page, so that engines can map tensors into memory. */
const PAGE = 4096;
/** Windows maps from multiples of this only. Worth the gap before tensors that are large themselves. */
const WINDOWS_GRANULARITY = 65_536;
const LARGE = 2 ** 20;

interface Placed {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Gives tensors their places in the file, one behind the other. */
export class DataPlacement {
  readonly #file: string;
  readonly #threshold: number;
  readonly #placed: Placed[] = [];
  #end = 0;

  constructor({ file, threshold = 1024 }: ExternalDataOptions) {
    if (!staysInFolder(file)) {
      throw new OnnxFormatError({
        operation: "writeModelFiles",
        got: `"${file}" as the file of the weights`,
        rule: "it must be a relative path inside the model's folder",
        wayOut: 'Give a name alone, such as "model.onnx.data".',
      });
    }
    this.#file = file;
    this.#threshold = threshold;
  }

  /** The tensor's message, which says where its bytes are, or holds them. */
  place(tensor: NamedTensor): Init<TensorProto> {
    const { data } = tensor;
    // Engines ask int64 for shapes before they open other files: those stay in the model.
    const stays = tensor.dtype === "string" || tensor.dtype === "int64";
    if (stays || !ArrayBuffer.isView(data) || data.byteLength < this.#threshold) return tensorToProto(tensor);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const step = bytes.length >= LARGE ? WINDOWS_GRANULARITY : PAGE;
    const offset = Math.ceil(this.#end / step) * step;
    this.#placed.push({ offset, bytes });
    this.#end = offset + bytes.length;
    return {
      ...tensorHead(tensor),
      dataLocation: EXTERNAL,
      externalData: [
        { key: "location", value: this.#file },
        { key: "offset", value: String(offset) },
        { key: "length", value: String(bytes.length) },
      ],
    };
  }

  /** What all that was placed makes up; undefined where nothing was. */
  file(): DataFile | undefined {
    if (this.#placed.length === 0) return undefined;
    return { file: this.#file, byteLength: this.#end, chunks: () => chunksOf(this.#placed) };
  }
}

function* chunksOf(placed: readonly Placed[]): Iterable<Uint8Array> {
  let position = 0;
  for (const { offset, bytes } of placed) {
    if (offset > position) yield new Uint8Array(offset - position);
    yield bytes;
    position = offset + bytes.length;
  }
}

/** The whole file in one array, for an engine that takes it from memory. */
export function joinDataFile({ byteLength, chunks }: DataFile): Uint8Array {
  return joinPieces({ length: byteLength, pieces: [...chunks()] });
}
