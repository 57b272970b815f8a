import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { md5 } from "./md5.js";

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

// RFC 1321, appendix A.5.
it.each([
  ["", "d41d8cd98f00b204e9800998ecf8427e"],
  ["a", "0cc175b9c0f1b6a831c399e269772661"],
  ["message digest", "f96b697d7cb7938d525a2f31aaf161d0"],
  [
    "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
    "57edf4a22be3c955ac49da2e2107b67a",
  ],
])("md5(%j) is the one in the RFC", (text, digest) => {
  expect(md5(ascii(text))).toBe(digest);
});

it("agrees with Node's own at every length around a block's end", () => {
  for (let length = 50; length <= 135; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 37 + length) & 255);
    expect(md5(bytes), `${length} bytes`).toBe(createHash("md5").update(bytes).digest("hex"));
  }
});
