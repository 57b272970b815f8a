// Sub-modules as fields of a module whose names are only known at run time.
import { ModuleError, type Module } from "@convoke/core";

/**
 * Makes each child a field of `parent`: fields name the parameters.
 *
 * @throws ModuleError when a name is no step of a path, is taken, or is a member of every module.
 */
export function adopt(
  parent: Module<never, unknown>,
  children: Iterable<readonly [name: string, child: unknown]>,
): void {
  for (const [name, child] of children) {
    const problem = problemWith(parent, name);
    if (problem !== undefined) {
      throw new ModuleError({
        operation: parent.kind,
        problem,
        wayOut: "Choose another name for the layer.",
      });
    }
    Object.defineProperty(parent, name, { value: child, enumerable: true });
  }
}

function problemWith(parent: object, name: string): string | undefined {
  if (name === "" || name.includes(".")) {
    return `a layer is named "${name}"; a name is one step of a path, so it has at least one character and no dot.`;
  }
  if (Object.hasOwn(parent, name)) return `two layers are named "${name}".`;
  return name in parent
    ? `a layer is named "${name}", which every model has already as a member.`
    : undefined;
}
