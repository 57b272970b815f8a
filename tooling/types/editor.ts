// What an editor asks TypeScript 5.9 about a file: its language service, as tsserver runs it.
import { readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";

export interface Editor {
  /** What is shown when the pointer rests on the first constant of this name. */
  hover(name: string): string;
  /** The messages of all that is underlined. */
  errors(): string[];
  /** Replaces the first `old` by `fresh`, and waits for what is underlined, a hover and completions at that place. */
  timeEdit(old: string, fresh: string): { milliseconds: number; processorMilliseconds: number };
}

/** Opens a file under strict options, and more options as they stand in a tsconfig. */
export function openEditor(file: string, more: Readonly<Record<string, unknown>> = {}): Editor {
  let text = readFileSync(file, "utf8");
  let version = 0;
  const own = { target: "ES2022", module: "ESNext", moduleResolution: "bundler", strict: true, types: [] };
  const compilerOptions = { ...own, skipLibCheck: true, ...more };
  const { options } = ts.convertCompilerOptionsFromJson(compilerOptions, path.dirname(file));
  const service = ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => [file],
    getScriptVersion: (name) => (name === file ? String(version) : "0"),
    getScriptSnapshot: (name) => {
      const content = name === file ? text : ts.sys.readFile(name);
      return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content);
    },
    getCurrentDirectory: () => path.dirname(file),
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
    realpath: (name) => ts.sys.realpath?.(name) ?? name,
  });
  const hover = (name: string): string => {
    const info = service.getQuickInfoAtPosition(file, text.indexOf(`const ${name}`) + "const ".length);
    return ts.displayPartsToString(info?.displayParts);
  };
  const errors = (): string[] =>
    [...service.getSyntacticDiagnostics(file), ...service.getSemanticDiagnostics(file)].map(
      ({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"),
    );
  return {
    hover,
    errors,
    timeEdit(old, fresh) {
      const at = text.indexOf(old);
      text = text.slice(0, at) + fresh + text.slice(at + old.length);
      version++;
      const started = performance.now();
      const used = process.cpuUsage();
      errors();
      hover("model");
      service.getCompletionsAtPosition(file, at + fresh.length - 1, {});
      const { user, system } = process.cpuUsage(used);
      return {
        milliseconds: Math.round(performance.now() - started),
        processorMilliseconds: Math.round((user + system) / 1000),
      };
    },
  };
}
