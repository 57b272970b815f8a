// The host's side of state in rows: the pieces are parts of one array.
import { allocate, type TensorSpec, type TypedArray } from "@convoke/core";
import { shapeSize } from "@convoke/shape";

/** Makes arrays of rows from arrays of pieces, and back. */
export class StateRows {
  readonly #rows: readonly (readonly number[])[];
  readonly #specs: readonly TensorSpec[];
  /** The rows that were last cut into pieces. */
  #cut: readonly TypedArray[] = [];

  /** `rows` names the pieces of each row by their positions in `specs`. */
  constructor(rows: readonly (readonly number[])[], specs: readonly TensorSpec[]) {
    this.#rows = rows;
    this.#specs = specs;
  }

  /**
   * The pieces in rows, without copying where they still lie as {@link cut} left them. When all pieces of a row have been
   * replaced, nobody else reads the row either.
   */
  join(pieces: readonly TypedArray[]): TypedArray[] {
    return this.#rows.map((row, i) => {
      if (row.length === 1) return pieces[row[0]!]!;
      const known = this.#cut[i];
      return known !== undefined && this.#areParts(row, pieces, known) ? known : this.#copy(row, pieces);
    });
  }

  /** The rows in pieces. */
  cut(rows: readonly TypedArray[]): TypedArray[] {
    this.#cut = rows;
    const pieces: TypedArray[] = [];
    this.#rows.forEach((row, i) => {
      let start = 0;
      for (const piece of row) {
        const end = start + this.#size(piece);
        pieces[piece] = row.length === 1 ? rows[i]! : rows[i]!.subarray(start, end);
        start = end;
      }
    });
    return pieces;
  }

  #size(piece: number): number {
    return shapeSize(this.#specs[piece]!.shape);
  }

  #areParts(row: readonly number[], pieces: readonly TypedArray[], whole: TypedArray): boolean {
    let end = whole.byteOffset;
    return row.every((piece) => {
      const { buffer, byteOffset, byteLength } = pieces[piece]!;
      const follows = buffer === whole.buffer && byteOffset === end;
      end += byteLength;
      return follows;
    });
  }

  #copy(row: readonly number[], pieces: readonly TypedArray[]): TypedArray {
    const length = row.reduce((sum, piece) => sum + this.#size(piece), 0);
    const copy = allocate(this.#specs[row[0]!]!.dtype, length);
    let start = 0;
    for (const piece of row) {
      // Both hold elements of one type, which the type system cannot follow through a union.
      copy.set(pieces[piece] as never, start);
      start += this.#size(piece);
    }
    return copy;
  }
}
