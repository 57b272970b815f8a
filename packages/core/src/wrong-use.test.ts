// What callers without types get wrong: each mistake is named at once, and not by an error of the engine's inside.
import { describe, expect, it } from "vitest";
import {
  cast,
  compile,
  Module,
  reference,
  tensor,
  useBackend,
  Variable,
  zeros,
  type Tensor,
} from "./index.js";

class Twice extends Module {
  protected compute(x: Tensor): Tensor {
    return x.mul(2);
  }
}

/** Stands for a value whose type nobody checked. */
const untyped = (value: unknown): never => value as never;

describe("values of the wrong kind", () => {
  const mistakes: Readonly<Record<string, () => unknown>> = {
    "useBackend of a promise": () => useBackend(untyped(Promise.resolve(reference()))),
    "useBackend of a function": () => useBackend(untyped(reference)),
    "compile on a name": () => compile((x: Tensor) => x, { name: "step", backend: untyped("cpu") }),
    "an unknown dtype": () => tensor([1], { dtype: untyped("bfloat16") }),
    "a cast to an unknown dtype": () => cast(tensor([1]), untyped("half")),
    "text as data": () => tensor(untyped(["a"])),
    "no data": () => tensor(untyped(undefined)),
    "a hole in the data": () => tensor(untyped([1, null])),
    "an array as operand": () => tensor([1]).add(untyped([2])),
    "no operand": () => tensor([1]).mul(untyped(undefined)),
    "text as operand": () => tensor([1]).sub(untyped("2")),
    "sizes that are spread": () => tensor([1, 2]).reshape(untyped(2)),
    "a size as shape": () => zeros(untyped(3)),
    "a Variable of an array": () => new Variable(untyped([1, 2])),
    "an array assigned": () => new Variable(tensor([1, 2]), { name: "w" }).assign(untyped([3, 4])),
    "an array as input": () => new Twice().forward(untyped([[1, 2]])),
    "a name to freeze": () => new Twice().freeze(untyped("conv1")),
  };

  it("are named", () => {
    const messages = Object.entries(mistakes).map(([name, make]) => {
      try {
        return `${name}\n  ${typeof make()}: it passed`;
      } catch (error) {
        return `${name}\n  ${String(error)}`;
      }
    });
    expect(messages.join("\n")).toMatchInlineSnapshot(`
      "useBackend of a promise
        BackendError: useBackend: got a promise, but it takes a backend.
        Call and await what makes it, for instance await useBackend(await cpu()), or useBackend(reference()).
      useBackend of a function
        BackendError: useBackend: got a function, but it takes a backend.
        Call and await what makes it, for instance await useBackend(await cpu()), or useBackend(reference()).
      compile on a name
        BackendError: step: got cpu, but it takes a backend.
        Call and await what makes it, for instance await useBackend(await cpu()), or useBackend(reference()).
      an unknown dtype
        DTypeError: tensor: got the element type "bfloat16", which there is not.
        Use one of float32, float16, float64, int64, int32, uint32, int8, uint8, bool.
      a cast to an unknown dtype
        DTypeError: cast: got the element type "half", which there is not.
        Use one of float32, float16, float64, int64, int32, uint32, int8, uint8, bool.
      text as data
        DTypeError: tensor: the data holds a value of type string, but a tensor holds numbers, bigints or booleans.
        Give a number, nested arrays of numbers, or a typed array.
      no data
        DTypeError: tensor: the data holds a value of type undefined, but a tensor holds numbers, bigints or booleans.
        Give a number, nested arrays of numbers, or a typed array.
      a hole in the data
        DTypeError: tensor: the data holds a value of type object, but a tensor holds numbers, bigints or booleans.
        Give a number, nested arrays of numbers, or a typed array.
      an array as operand
        ConvokeError: add: got an array where it takes a tensor.
        Make a tensor of it with tensor(…).
      no operand
        ConvokeError: mul: got nothing where it takes a tensor.
        Make a tensor of it with tensor(…).
      text as operand
        ConvokeError: sub: got a string where it takes a tensor.
        Make a tensor of it with tensor(…).
      sizes that are spread
        ShapeError: reshape: got 2, a shape is a list of sizes.
        Write it as in [2, 3].
      a size as shape
        ShapeError: zeros: got 3, a shape is a list of sizes.
        Write it as in [2, 3].
      a Variable of an array
        ConvokeError: Variable: got an array where it takes a tensor.
        Make a tensor of it with tensor(…).
      an array assigned
        ConvokeError: assign "w": got an array where it takes a tensor.
        Make a tensor of it with tensor(…).
      an array as input
        ModuleError: twice: there is no tensor in the input that it got.
        Make a tensor of the data with tensor(…), the batch axis in front.
      a name to freeze
        ModuleError: freeze: got conv1, but it takes a regular expression that paths of parameters are matched with.
        Write for instance model.freeze(/^conv/)."
    `);
  });
});
