// Convolutions over words.
import { concat, type Context, type Tensor } from "@convoke/core";
import {
  conv1d,
  dense,
  dropout,
  embedding,
  globalMaxPool1d,
  input,
  relu,
  sequential,
  Layer,
  swapAxes,
  type Dense,
  type Dropout,
  type Embedding,
  type Fixed,
  type Sequential,
} from "@convoke/layers";
import type { Dim } from "@convoke/shape";

export interface TextCnnOptions<Classes extends number = number> {
  /** How many different words there are. Default 10,000. */
  readonly vocabulary?: number | undefined;
  /** Words per text; shorter texts are filled up. Default 64. */
  readonly length?: number | undefined;
  /** The length of a word's vector. Default 128. */
  readonly units?: number | undefined;
  /** How many words the kernels span, a branch for each. Default [3, 4, 5]. */
  readonly kernelSizes?: readonly number[] | undefined;
  /** Kernels per branch. Default 100. */
  readonly filters?: number | undefined;
  /** Default 0.5. */
  readonly dropout?: number | undefined;
  /** Default 2. */
  readonly classes?: Classes | undefined;
}

/** A text classifier; make it with `textCnn`. */
export class TextCnn<Classes extends number = number> extends Layer<
  Fixed<[Dim<"N">, number], [Dim<"N">, Classes], "int32" | "int64">
> {
  readonly embedding: Embedding;
  readonly branches: readonly Sequential[];
  readonly dropout: Dropout;
  readonly output: Dense;

  constructor(options: TextCnnOptions<Classes> = {}) {
    super("textCnn");
    const { vocabulary = 10_000, units = 128, kernelSizes = [3, 4, 5], filters = 100, classes = 2 } = options;
    this.embedding = embedding({ vocabulary, units });
    this.branches = kernelSizes.map((kernelSize) =>
      sequential({
        swap: swapAxes(),
        conv: conv1d({ filters, kernelSize }),
        relu: relu(),
        pool: globalMaxPool1d(),
      }),
    );
    this.dropout = dropout(options.dropout ?? 0.5);
    this.output = dense({ units: classes });
  }

  protected compute(words: Tensor, context: Context): Tensor {
    const vectors = this.embedding.forward(words, context);
    const found = this.branches.map((branch) => branch.forward(vectors, context));
    return this.output.forward(this.dropout.forward(concat(found, 1), context), context);
  }
}

/**
 * A classifier of texts (Kim, arXiv:1408.5882): an embedding of the words, kernels of several sizes along them, and the
 * strongest answer of each. Input int32 [N, length], output [N, classes].
 */
export function textCnn<Classes extends number = 2>(options: TextCnnOptions<Classes> = {}): TextCnn<Classes> {
  return new TextCnn(options).buildWith(input(options.length ?? 64, { dtype: "int32" }).placeholder());
}
