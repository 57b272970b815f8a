// Brings what typedoc finds into the form of this site's reference.
import { readFileSync } from "node:fs";
import { Converter, ReflectionKind } from "typedoc";

/** @param {import("typedoc").Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => nameAfterPackages(project));
  // After typedoc's own handlers, which find out what is inherited.
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => removeInherited(project), -1000);
}

/** Typedoc calls the module of packages/core/src/index.ts "core/src"; its readers call it @convoke/core. */
function nameAfterPackages(/** @type {import("typedoc").ProjectReflection} */ project) {
  for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
    const [, folder] = /^([^/]+)\/src$/.exec(module.name) ?? [];
    if (folder === undefined || module.parent !== project) continue;
    const file = new URL(`../../packages/${folder}/package.json`, import.meta.url);
    module.name = JSON.parse(readFileSync(file, "utf8")).name;
  }
}

/** Each layer would list all of Module again: a class says what it extends, and lists what is its own. */
function removeInherited(/** @type {import("typedoc").ProjectReflection} */ project) {
  for (const owner of project.getReflectionsByKind(ReflectionKind.Class)) {
    for (const member of [...(owner.children ?? [])]) {
      const signatures = [...(member.signatures ?? []), member.getSignature, member.setSignature];
      const isInherited = [member, ...signatures].some((part) => part?.inheritedFrom !== undefined);
      if (isInherited) project.removeReflection(member);
    }
    // The groups were made before, and keep what was removed.
    for (const group of owner.groups ?? []) {
      group.children = group.children.filter((child) => owner.children?.includes(child));
    }
    owner.groups = owner.groups?.filter((group) => group.children.length > 0);
  }
}
