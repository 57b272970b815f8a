// The results as the tables of docs/benchmarks.md, between two marks.

/**
 * @typedef {import("./measure.mjs").Participant} Participant
 * @typedef {import("./measure.mjs").JobResult} JobResult
 *
 * @typedef {object} Benchmark
 * @property {string} date
 * @property {string} command
 * @property {{ cpu: string, cores: number, memoryGiB: number, node: string, system: string }} machine
 * @property {"cpu" | "webgpu"} [on] what was compared; the processor by default
 * @property {string} [chromium] the version of the browser that ran the pages
 * @property {number} threads
 * @property {number} rounds
 * @property {number} milliseconds
 * @property {readonly Participant[]} participants ours comes first
 * @property {readonly JobResult[]} results
 */

const END = "<!-- end of results -->";

/** @param {Benchmark} benchmark */
function startOf({ on = "cpu" }) {
  return on === "cpu"
    ? "<!-- results: written by `npm run bench -- --write` -->"
    : "<!-- results: written by `npm run bench -- --on webgpu --write` -->";
}

/**
 * The document with these results in the place of those that it had.
 *
 * @param {string} document
 * @param {Benchmark} benchmark
 */
export function withResults(document, benchmark) {
  const mark = startOf(benchmark);
  const start = document.indexOf(mark);
  const end = document.indexOf(END, Math.max(0, start));
  if (start < 0 || end < start) throw new Error(`the document has no lines "${mark}" and "${END}"`);
  return `${document.slice(0, start + mark.length)}\n\n${resultsText(benchmark)}\n\n${document.slice(end)}`;
}

/** @param {Benchmark} benchmark */
export function resultsText(benchmark) {
  const { date, command, machine, threads, rounds, milliseconds, participants, on = "cpu" } = benchmark;
  const { cpu, cores, memoryGiB, node, system } = machine;
  const present = participants.filter(({ missing }) => missing === undefined);
  const absent = participants.filter(({ missing }) => missing !== undefined);
  const { chromium } = benchmark;
  const browser = chromium === undefined ? "" : `, Chromium ${chromium}`;
  const counted = on === "cpu" ? `${threads} threads, ` : "";
  const about = [
    `Measured on ${date} on ${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}${browser}, with \`${command}\`: ${counted}the median of ${rounds} rounds of at least ${milliseconds} ms, all runtimes in turns.`,
    ...absent.map(({ title, missing }) => `${title} was not measured: ${missing}.`),
  ];
  const versions = present.map(({ title, version, threads: used, adapter }) => [
    ...[title, version ?? ""],
    on === "cpu" ? String(used) : (adapter ?? ""),
  ]);
  return [
    about.join(" "),
    table(["runtime", "version", on === "cpu" ? "threads" : "adapter"], versions),
    on === "cpu" ? "![Speed of each runtime on each job, relative to Convoke](images/benchmarks.svg)" : "",
    "### Speed",
    speedTable(benchmark, present),
    "### Convoke's speed as a multiple of each peer's",
    ratioTable(benchmark, present),
    notes(benchmark, present),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** @param {Benchmark} benchmark @param {readonly Participant[]} present */
function speedTable({ results }, present) {
  const rows = results.map(({ job, unit, measured }) => [
    job,
    unit,
    ...present.map(({ name }) => {
      const { value, images } = measured.find(({ runtime }) => runtime === name) ?? {};
      return value === undefined ? "–" : `${rounded(value)}${images === undefined ? "" : " *"}`;
    }),
  ]);
  return table(["job", "unit", ...present.map(({ title }) => title)], rows);
}

/** @param {Benchmark} benchmark @param {readonly Participant[]} present */
function ratioTable({ results }, present) {
  const [ours, ...others] = present;
  const rows = results.flatMap(({ job, measured }) => {
    const own = measured.find(({ runtime }) => runtime === ours?.name)?.value;
    const ratios = others.map(({ name }) => {
      const value = measured.find(({ runtime }) => runtime === name)?.value;
      return own === undefined || value === undefined ? "–" : `${rounded(own / value)} ×`;
    });
    return ratios.every((ratio) => ratio === "–") ? [] : [[job, ...ratios]];
  });
  return table(["job", ...others.map(({ title }) => title)], rows);
}

/**
 * Why there are gaps, and where a job was made smaller: one line for each reason of a runtime.
 *
 * @param {Benchmark} benchmark
 * @param {readonly Participant[]} present
 */
function notes({ results }, present) {
  const lines = present.flatMap(({ name, title }) => {
    /** @type {Map<string, string[]>} */
    const jobsByReason = new Map();
    for (const { job, measured } of results) {
      const { skipped, images } = measured.find(({ runtime }) => runtime === name) ?? {};
      const reason =
        skipped ??
        (images === undefined
          ? undefined
          : `* on ${images} ${images === 1 ? "image" : "images"} instead of 32`);
      // That only we measure the limit goes without saying.
      if (reason === undefined || job === "fma-peak") continue;
      jobsByReason.set(reason, [...(jobsByReason.get(reason) ?? []), job]);
    }
    return [...jobsByReason].map(
      ([reason, jobs]) => `- ${title}, ${jobs.join(", ")}: ${reason.replace(/\.$/, "")}.`,
    );
  });
  return lines.join("\n");
}

/** @param {readonly string[]} head @param {readonly (readonly string[])[]} rows */
function table(head, rows) {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(3, ...lines.map((cells) => cells[column]?.length ?? 0)));
  const text = (/** @type {readonly string[]} */ cells) =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [text(head), rule, ...rows.map(text)].join("\n");
}

/**
 * Three figures, with commas between thousands.
 *
 * @param {number} value
 */
export function rounded(value) {
  return Number(value.toPrecision(3)).toLocaleString("en-US", { maximumSignificantDigits: 3 });
}
