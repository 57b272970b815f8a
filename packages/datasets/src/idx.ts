import { DatasetError } from "./dataset-error.js";

/** What an IDX file holds: an array of numbers with its shape. */
export interface IdxArray {
  readonly shape: readonly number[];
  /** 16-bit integers come out as int32. */
  readonly data: Uint8Array | Int8Array | Int32Array | Float32Array | Float64Array;
}

export interface IdxOptions {
  /** The file's name, for messages. */
  readonly file?: string;
  /** The most bytes that the numbers may take, unpacked. Default 256 MiB. */
  readonly maxBytes?: number;
}

interface IdxHeader {
  readonly type: number;
  readonly shape: readonly number[];
  /** Where the numbers begin. */
  readonly start: number;
  /** Where they end. */
  readonly end: number;
}

const DEFAULT_MAX_BYTES = 256 * 2 ** 20;
const MAX_RANK = 8;

/** Deflate cannot do better than 1032 to 1 (zlib's technical notes): a file that claims more is refused before it is unpacked. */
const MAX_DEFLATE_RATIO = 1032;

/** Bytes per number, by the type byte of the header (from the description of the format by LeCun, Cortes and Burges). */
const WIDTHS: Readonly<Record<number, number>> = { 0x08: 1, 0x09: 1, 0x0b: 2, 0x0c: 4, 0x0d: 4, 0x0e: 8 };

/**
 * Reads an IDX file that is plain or packed with gzip; which, its first bytes tell.
 * Unpacking goes no further than the sizes in the header, so a small file cannot fill the memory.
 *
 * @throws DatasetError naming the file and the offset, when the file is no IDX file, truncated, corrupt or too large.
 *
 * @example
 * ```ts
 * import { readIdx } from "@convoke/datasets";
 *
 * const labels = new Uint8Array([0, 0, 0x08, 1, 0, 0, 0, 3, 7, 2, 1]);
 * console.log(await readIdx(labels)); // { shape: [ 3 ], data: Uint8Array [ 7, 2, 1 ] }
 * ```
 */
export async function readIdx(bytes: Uint8Array, options: IdxOptions = {}): Promise<IdxArray> {
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return parseIdx(packed ? await unpack(bytes, options) : bytes, options);
}

/** Reads a plain IDX file. The result may be a view on `bytes`. */
export function parseIdx(bytes: Uint8Array, options: IdxOptions = {}): IdxArray {
  const header = parseHeader(bytes, options);
  if (!header) {
    throw refuse(
      options,
      `${bytes.length} bytes, which end inside the header`,
      "a header has 4 bytes and 4 per axis",
    );
  }
  const { type, shape, start, end } = header;
  if (bytes.length !== end) {
    throw refuse(
      options,
      `${bytes.length} bytes`,
      `the header promises [${shape.join(", ")}] numbers from offset ${start} to ${end}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, end - start);
  const length = (end - start) / WIDTHS[type]!;
  switch (type) {
    case 0x08:
      return { shape, data: bytes.subarray(start, end) };
    case 0x09:
      return { shape, data: Int8Array.from({ length }, (_, i) => view.getInt8(i)) };
    case 0x0b:
      return { shape, data: Int32Array.from({ length }, (_, i) => view.getInt16(i * 2)) };
    case 0x0c:
      return { shape, data: Int32Array.from({ length }, (_, i) => view.getInt32(i * 4)) };
    case 0x0d:
      return { shape, data: Float32Array.from({ length }, (_, i) => view.getFloat32(i * 4)) };
    default:
      return { shape, data: Float64Array.from({ length }, (_, i) => view.getFloat64(i * 8)) };
  }
}

/** The header at the start of `bytes`, or undefined when more bytes are needed to see all of it. */
function parseHeader(bytes: Uint8Array, options: IdxOptions): IdxHeader | undefined {
  const { maxBytes = DEFAULT_MAX_BYTES } = options;
  if (bytes.length < 4) return undefined;
  const type = bytes[2]!;
  const rank = bytes[3]!;
  const width = WIDTHS[type];
  if (bytes[0] !== 0 || bytes[1] !== 0 || width === undefined || rank < 1 || rank > MAX_RANK) {
    const magic = Array.from(bytes.subarray(0, 4), (b) => b.toString(16).padStart(2, "0")).join(" ");
    throw refuse(
      options,
      `the bytes ${magic} at offset 0`,
      `an IDX file begins with 00 00, a type (08, 09, 0b, 0c, 0d or 0e) and 1 to ${MAX_RANK} axes`,
    );
  }
  const start = 4 + 4 * rank;
  if (bytes.length < start) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, start);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const size = shape.reduce((product, n) => product * n, width);
  if (size > maxBytes) {
    throw refuse(
      options,
      `a header (offset 4) that promises [${shape.join(", ")}] numbers, ${size} bytes`,
      `at most ${maxBytes} bytes are read`,
      "If the file is right, raise maxBytes.",
    );
  }
  return { type, shape, start, end: start + size };
}

/** Unpacks gzip up to the size that the IDX header inside it promises, and not a byte further. */
async function unpack(bytes: Uint8Array, options: IdxOptions): Promise<Uint8Array> {
  const reader = feed(bytes).pipeThrough(new DecompressionStream("gzip")).getReader();
  let header: IdxHeader | undefined;
  // Until the header is whole, as many bytes as the longest one has; then exactly what it promises.
  let out = new Uint8Array(4 + 4 * MAX_RANK);
  let filled = 0;
  try {
    for (;;) {
      const step = await reader.read().catch((error: unknown) => {
        throw corrupt(options, filled, error);
      });
      if (step.done) break;
      const chunk: Uint8Array = step.value;
      let taken = 0;
      if (!header) {
        taken = Math.min(chunk.length, out.length - filled);
        out.set(chunk.subarray(0, taken), filled);
        filled += taken;
        header = parseHeader(out.subarray(0, filled), options);
        if (!header) continue;
        if (header.end > bytes.length * MAX_DEFLATE_RATIO) {
          throw refuse(
            options,
            `${bytes.length} packed bytes whose header (offset 4) promises ${header.end} bytes`,
            `gzip packs at most ${MAX_DEFLATE_RATIO} to 1`,
          );
        }
        const whole = new Uint8Array(header.end);
        whole.set(out.subarray(0, Math.min(filled, header.end)));
        out = whole;
      }
      if (filled + chunk.length - taken > header.end) {
        throw refuse(
          options,
          `more than ${header.end} unpacked bytes`,
          `the header promises [${header.shape.join(", ")}] numbers up to offset ${header.end}`,
        );
      }
      out.set(chunk.subarray(taken), filled);
      filled += chunk.length - taken;
    }
  } catch (error) {
    await reader.cancel().catch(() => undefined);
    throw error;
  }
  return out.subarray(0, filled);
}

/** The bytes as a stream of pieces, handed out as they are wanted. */
function feed(bytes: Uint8Array): ReadableStream<BufferSource> {
  const piece = 64 * 1024;
  let offset = 0;
  return new ReadableStream<BufferSource>({
    pull(controller) {
      controller.enqueue(bytes.slice(offset, offset + piece));
      offset += piece;
      if (offset >= bytes.length) controller.close();
    },
  });
}

function corrupt(options: IdxOptions, filled: number, cause: unknown): DatasetError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return refuse(
    options,
    `a gzip stream that fails after ${filled} unpacked bytes (${reason})`,
    "it must be whole and match its checksum",
    undefined,
    cause,
  );
}

function refuse(
  { file = "bytes" }: IdxOptions,
  got: string,
  rule: string,
  wayOut = "The file is damaged or not the right one: fetch it again.",
  cause?: unknown,
): DatasetError {
  return new DatasetError(
    { operation: `parseIdx "${file}"`, got, rule, wayOut },
    cause === undefined ? {} : { cause },
  );
}
