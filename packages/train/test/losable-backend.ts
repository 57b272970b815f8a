// The reference backend on a device that can be lost.
import {
  DeviceLostError,
  reference,
  type Backend,
  type DeviceBuffer,
  type Graph,
  type Program,
  type TensorSpec,
  type TypedArray,
} from "@convoke/core";

class LosableBuffer implements DeviceBuffer {
  readonly inner: DeviceBuffer;
  isLost = false;

  constructor(inner: DeviceBuffer) {
    this.inner = inner;
  }

  get spec(): TensorSpec {
    return this.inner.spec;
  }
}

/** Everything fails from a loss on until `recover()`; then the values of before are gone. */
export class LosableBackend implements Backend {
  readonly name = "losable";
  /** How many devices were opened after a loss. */
  recovered = 0;
  readonly #inner = reference();
  readonly #live = new Set<LosableBuffer>();
  #isLost = false;
  #runsLeft = Infinity;

  /** The device is lost now, or with one of the next runs. */
  lose(afterRuns = 0): void {
    this.#runsLeft = afterRuns;
    if (afterRuns === 0) this.#isLost = true;
  }

  recover(): Promise<void> {
    if (!this.#isLost) return Promise.resolve();
    for (const buffer of this.#live) buffer.isLost = true;
    this.#live.clear();
    this.#isLost = false;
    this.#runsLeft = Infinity;
    this.recovered++;
    return Promise.resolve();
  }

  supports = this.#inner.supports.bind(this.#inner);

  async compile(graph: Graph): Promise<Program> {
    this.#assertThere();
    const program = await this.#inner.compile(graph);
    return {
      run: async (inputs, state) => {
        if (--this.#runsLeft < 0) this.#isLost = true;
        this.#assertThere();
        const [plain, own] = [inputs, state].map((buffers) => buffers.map((buffer) => this.#innerOf(buffer)));
        return (await program.run(plain!, own!)).map((buffer) => this.#adopt(buffer));
      },
      dispose: () => program.dispose(),
    };
  }

  upload(data: TypedArray, spec: TensorSpec): DeviceBuffer {
    this.#assertThere();
    return this.#adopt(this.#inner.upload(data, spec));
  }

  download(buffer: DeviceBuffer): Promise<TypedArray> {
    this.#assertThere();
    return this.#inner.download(this.#innerOf(buffer));
  }

  free(buffer: DeviceBuffer): void {
    if (buffer instanceof LosableBuffer && this.#live.delete(buffer)) this.#inner.free(buffer.inner);
  }

  memory = this.#inner.memory.bind(this.#inner);
  dispose = this.#inner.dispose.bind(this.#inner);

  #adopt(inner: DeviceBuffer): LosableBuffer {
    const buffer = new LosableBuffer(inner);
    this.#live.add(buffer);
    return buffer;
  }

  #innerOf(buffer: DeviceBuffer): DeviceBuffer {
    if (buffer instanceof LosableBuffer && this.#live.has(buffer)) return buffer.inner;
    throw new Error("a buffer of a lost device, or of another backend");
  }

  #assertThere(): void {
    if (!this.#isLost) return;
    throw new DeviceLostError({ lost: this, problem: "the device was lost: test.", wayOut: "recover()." });
  }
}
