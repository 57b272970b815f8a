// Several loops as one shader: each takes some of the workgroups. Loops that differ in nothing but where their values lie
// and how many there are share their code; a software device computes all branches, whichever is taken.
import type { DType } from "@convoke/core";
import type { BufferId } from "@convoke/core/planning";
import { LANES, sharedArrays, type LoopWork } from "./element-loops.js";
import { loaded, storageType, stored } from "./element-types.js";
import { entryText, grid, type Declaration, type LoopText, type Shader } from "./shader.js";

/** Where a buffer lies: by which name, and from which element on. */
export interface Place {
  /** Names what is bound: the same for buffers that lie in one buffer of the device. */
  readonly home: string;
  readonly offset: number;
  /** Whether its elements take 16 bits; all elements of one home take as many. */
  readonly isNarrow: boolean;
}

interface Home {
  readonly name: string;
  readonly type: "u32" | "float16";
  isWritten: boolean;
}

/** Buffers of the device as words, in which values of all types but narrow ones lie side by side. */
class MergedText implements LoopText {
  readonly homes = new Map<string, Home>();
  readonly functions = new Set<string>();
  /** The offset of a buffer, as an expression, and its home. */
  find: (buffer: BufferId) => Omit<Place, "offset"> & { readonly offset: string } = () => {
    throw new Error("webgpu: no loop is being written");
  };

  readonly use = (name: string): void => {
    this.functions.add(name);
  };

  load(buffer: BufferId, dtype: DType, place: string): string {
    const { isNarrow, element } = this.#element(buffer, place, false);
    const type = storageType(dtype);
    return loaded(dtype, type === "u32" || isNarrow ? element : `bitcast<${type}>(${element})`);
  }

  store(buffer: BufferId, dtype: DType, { place, value }: { place: string; value: string }): string {
    const { isNarrow, element } = this.#element(buffer, place, true);
    const given = stored(dtype, value);
    return `${element} = ${storageType(dtype) === "u32" || isNarrow ? given : `bitcast<u32>(${given})`};`;
  }

  #element(buffer: BufferId, place: string, isWritten: boolean): { element: string; isNarrow: boolean } {
    const { home, offset, isNarrow } = this.find(buffer);
    const known = this.homes.get(home) ?? {
      name: `home${this.homes.size}`,
      type: isNarrow ? "float16" : "u32",
      isWritten: false,
    };
    this.homes.set(home, known);
    known.isWritten ||= isWritten;
    return { element: `${known.name}[${offset} + ${place}]`, isNarrow };
  }
}

/** The shader that does the work of several loops, and the homes that it binds. */
export function mergedShader(
  loops: readonly LoopWork[],
  placeOf: (buffer: BufferId) => Place,
): { shader: Shader; homes: readonly string[] } {
  const text = new MergedText();
  const shared = new Map<string, string>();
  const functions: string[] = [];
  const branches: string[] = [];
  let total = 0;
  let usesSubgroups = false;
  for (const family of familiesOf(loops, placeOf)) {
    const [first] = family as [LoopWork, ...LoopWork[]];
    const operands = [...new Set(first.buffers)];
    const places = family.map(({ buffers }) => [...new Set(buffers)].map(placeOf));
    text.find = (buffer) => {
      const i = operands.indexOf(buffer);
      return { ...places[0]![i]!, offset: `at${i}` };
    };
    const part = first.write(text, "size");
    for (const [name, type] of part.shared) shared.set(name, type);
    usesSubgroups ||= part.usesSubgroups;
    const parameters = ["size: i32", ...operands.map((_, i) => `at${i}: i32`)];
    const name = `part${branches.length}`;
    functions.push(`fn ${name}(flatWorkgroup: u32, lane: u32, ${parameters.join(", ")}) {`, part.body, "}");

    const start = total;
    const lines = ["var begin = 0u;", `var size = ${first.size};`];
    operands.forEach((_, i) => lines.push(`var at${i} = ${places[0]![i]!.offset};`));
    family.forEach((loop, member) => {
      if (member > 0) {
        const set = (variable: string, value: string): string =>
          `${variable} = select(${variable}, ${value}, isHere);`;
        const own = places[member]!.map(({ offset }, i) => set(`at${i}`, String(offset)));
        lines.push(
          `{ let isHere = flatWorkgroup >= ${total}u;`,
          set("begin", `${total - start}u`),
          set("size", String(loop.size)),
          ...own,
          "}",
        );
      }
      total += loop.workgroups;
    });
    const given = ["size", ...operands.map((_, i) => `at${i}`)];
    branches.push(
      `${branches.length === 0 ? "" : "else "}if (flatWorkgroup < ${total}u) {`,
      ...lines,
      `${name}(flatWorkgroup - ${start}u - begin, lane, ${given.join(", ")});`,
      "}",
    );
  }
  const workgroups = grid(total);
  const extra = [sharedArrays(shared), ...functions].join("\n");
  const declarations = [...text.homes.values()].map(({ name, type, isWritten }): Declaration => ({
    name,
    type: `array<${type}>`,
    isWritten,
  }));
  return {
    shader: {
      declarations,
      text: entryText({ functions: text.functions, extra, lanes: LANES, body: branches.join("\n") }),
      workgroups,
      usesSubgroups,
    },
    homes: [...text.homes.keys()],
  };
}

/** Loops by what their code depends on. */
function familiesOf(loops: readonly LoopWork[], placeOf: (buffer: BufferId) => Place): LoopWork[][] {
  const families = new Map<string, LoopWork[]>();
  loops.forEach((loop, i) => {
    const key = loop.family === undefined ? `only ${i}` : `${loop.family} ${operandPattern(loop, placeOf)}`;
    const known = families.get(key);
    if (known === undefined) families.set(key, [loop]);
    else known.push(loop);
  });
  return [...families.values()];
}

/** Which operands are the same buffer, and where each has its home. */
function operandPattern({ buffers }: LoopWork, placeOf: (buffer: BufferId) => Place): string {
  return buffers.map((buffer) => `${buffers.indexOf(buffer)} ${placeOf(buffer).home}`).join();
}
