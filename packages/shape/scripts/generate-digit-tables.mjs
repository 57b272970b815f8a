// Writes src/generated/digit-tables.ts: what the compiler looks up when it adds, subtracts, multiplies and divides.
// Run with `node packages/shape/scripts/generate-digit-tables.mjs` after a change here.
import { writeFileSync } from "node:fs";

const digits = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const highestRank = 8;

/** `interface NAME { KEY: BODY; … }`; rows are interfaces of their own, so that the compiler makes only those it reads. */
const table = (name, entries) =>
  `export interface ${name} {\n${entries.map(([key, body]) => `  ${JSON.stringify(`${key}`)}: ${body};`).join("\n")}\n}\n`;
const row = (keys, value) => keys.map((key) => [key, JSON.stringify(`${value(key)}`)]);

const parts = [];
/** A table looked up by two digits, each outer digit a named row. */
function twoDigits(name, value, outer = digits, inner = digits) {
  for (const a of outer)
    parts.push(
      table(
        `${name}${a}`,
        row(inner, (b) => value(a, b)),
      ),
    );
  parts.push(
    table(
      name,
      outer.map((a) => [a, `${name}${a}`]),
    ),
  );
}

for (const carry of [0, 1]) {
  twoDigits(`Sum${carry}_`, (a, b) => (a + b + carry) % 10);
  twoDigits(`Carry${carry}_`, (a, b) => (a + b + carry > 9 ? 1 : 0));
  twoDigits(`Difference${carry}_`, (a, b) => (a - b - carry + 10) % 10);
  twoDigits(`Borrow${carry}_`, (a, b) => (a - b - carry < 0 ? 1 : 0));
}
for (const name of ["Sum", "Carry", "Difference", "Borrow"]) {
  parts.push(
    table(
      name,
      [0, 1].map((carry) => [carry, `${name}${carry}_`]),
    ),
  );
}
twoDigits("ProductLow", (a, b) => (a * b) % 10);
twoDigits("ProductHigh", (a, b) => Math.floor((a * b) / 10));
for (const divisor of digits.slice(2)) {
  const remainders = digits.slice(0, divisor);
  twoDigits(`Quotient${divisor}_`, (r, d) => Math.floor((10 * r + d) / divisor), remainders);
  twoDigits(`Remainder${divisor}_`, (r, d) => (10 * r + d) % divisor, remainders);
}
for (const name of ["Quotient", "Remainder"]) {
  parts.push(
    table(
      name,
      digits.slice(2).map((divisor) => [divisor, `${name}${divisor}_`]),
    ),
  );
}
parts.push(
  table(
    "NextDigit",
    digits.slice(0, 9).map((d) => [d, JSON.stringify(`${d + 1}`)]),
  ),
);
for (let rank = 0; rank <= highestRank; rank++) {
  const places = Array.from({ length: 2 * rank }, (_, i) => i - rank);
  parts.push(
    table(
      `AxesOf${rank}`,
      row(places, (axis) => (axis + rank) % rank),
    ),
  );
}
const ranks = Array.from({ length: highestRank + 1 }, (_, rank) => rank);
parts.push(
  table(
    "AxesOfRank",
    ranks.map((rank) => [rank, `AxesOf${rank}`]),
  ),
);

writeFileSync(
  new URL("../src/generated/digit-tables.ts", import.meta.url),
  `// Made by scripts/generate-digit-tables.mjs; do not edit. Types only.\n${parts
    .join("")
    .replaceAll(/\{\n((?:.*\n)*?)\}/g, (_, body) => `{ ${body.trim().replaceAll(/\n\s*/g, " ")} }`)}`,
);
