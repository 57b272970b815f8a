// Reads the one kind of PNG that the tests need: 8-bit grey, not interlaced (ISO/IEC 15948).
import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";

export interface GreyImage {
  readonly width: number;
  readonly height: number;
  /** Row by row, 0 to 255. */
  readonly pixels: Uint8Array;
}

export function readGreyPng(path: string): GreyImage {
  const file = readFileSync(path);
  const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)];
  if (file.readUInt32BE(24) !== 0x08000000) throw new Error(`${path} is not an 8-bit grey PNG`);
  const parts: Uint8Array[] = [];
  for (let at = 8; at < file.length;) {
    const length = file.readUInt32BE(at);
    if (file.toString("latin1", at + 4, at + 8) === "IDAT")
      parts.push(file.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const filtered = inflateSync(Buffer.concat(parts));
  const pixels = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const filter = filtered[row * (width + 1)]!;
    for (let i = 0; i < width; i++) {
      const at = row * width + i;
      const left = i > 0 ? pixels[at - 1]! : 0;
      const up = row > 0 ? pixels[at - width]! : 0;
      const corner = i > 0 && row > 0 ? pixels[at - width - 1]! : 0;
      const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]!;
      pixels[at] = filtered[row * (width + 1) + 1 + i]! + predicted;
    }
  }
  return { width, height, pixels };
}

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner;
  const [a, b, c] = [left, up, corner].map((value) => Math.abs(estimate - value));
  if (a! <= b! && a! <= c!) return left;
  return b! <= c! ? up : corner;
}
