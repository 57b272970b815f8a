import ts from "typescript";

/**
 * @typedef {object} Import
 * @property {string} specifier
 * @property {boolean} typeOnly whether it vanishes when compiled
 * @property {number} line
 */

/**
 * The static and dynamic imports and re-exports of a TypeScript file.
 *
 * @param {string} file its name, for the parser
 * @param {string} text
 * @returns {Import[]}
 */
export function readImports(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022);
  /** @type {Import[]} */
  const found = [];
  /** @param {ts.Node} node */
  const visit = (node) => {
    const specifier = specifierOf(node);
    if (specifier) {
      const line = source.getLineAndCharacterOfPosition(specifier.getStart(source)).line + 1;
      found.push({ specifier: specifier.text, typeOnly: isTypeOnly(node), line });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/**
 * @param {ts.Node} node
 * @returns {ts.StringLiteralLike | undefined}
 */
function specifierOf(node) {
  let candidate;
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) candidate = node.moduleSpecifier;
  else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
    candidate = node.argument.literal;
  else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    candidate = node.arguments[0];
  return candidate && ts.isStringLiteralLike(candidate) ? candidate : undefined;
}

/** @param {ts.Node} node */
function isTypeOnly(node) {
  if (ts.isImportDeclaration(node)) return node.importClause?.isTypeOnly ?? false;
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  return ts.isImportTypeNode(node);
}
