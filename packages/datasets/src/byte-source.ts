export interface ReadOptions {
  /** Refuse what is larger, in bytes, before or while it is read. */
  readonly maxBytes?: number;
  /** Called as bytes arrive. `total` is missing where the sender does not say how much will come. */
  readonly onBytes?: (loaded: number, total: number | undefined) => void;
  readonly signal?: AbortSignal;
}

/** A place that holds files by name: a folder, a web address, something of your own. */
export interface ByteSource {
  /** Where it is, for messages: `folder "/data/mnist"`. */
  readonly description: string;
  /** The file's bytes, or undefined where there is no such file. Other failures throw. */
  read(name: string, options?: ReadOptions): Promise<Uint8Array | undefined>;
}

/** A place where files can be kept for the next time. */
export interface ByteCache extends ByteSource {
  /** Keeps a file: afterwards it is there whole, or not at all. */
  write(name: string, bytes: Uint8Array): Promise<void>;
}
