// Device memory that is asked for.

export interface Wanted {
  readonly bytes: number;
  /** What it is for, in words: asked for when there is none. */
  readonly name: () => string;
}
