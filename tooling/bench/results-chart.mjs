// The results as a picture: each runtime's speed on each job, relative to ours, on a logarithmic axis.
import { BarChart } from "echarts/charts";
import { GridComponent, LegendComponent, MarkLineComponent, TitleComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

/** @param {import("./results-table.mjs").Benchmark} benchmark */
export function resultsChart({ participants, results, machine, threads }) {
  use([BarChart, GridComponent, LegendComponent, MarkLineComponent, SVGRenderer, TitleComponent]);
  const [ours, ...others] = participants.filter(({ missing }) => missing === undefined);
  const jobs = results.flatMap(({ job, measured }) => {
    const own = measured.find(({ runtime }) => runtime === ours?.name)?.value;
    const speeds = new Map(measured.map(({ runtime, value }) => [runtime, value]));
    const isCompared = others.some(({ name }) => speeds.get(name) !== undefined);
    return own === undefined || !isCompared ? [] : [{ job, own, speeds }];
  });
  const height = 120 + jobs.length * (18 + 11 * others.length);
  const chart = init(null, null, { renderer: "svg", ssr: true, width: 860, height });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    color: ["#d1561f", "#8250df", "#1f6feb", "#1a7f37", "#bf8700", "#6e7781"],
    title: {
      text: "Speed relative to Convoke = 1",
      subtext: `${machine.cpu}, ${threads} threads; to the left of 1: slower than Convoke`,
      left: 16,
      top: 8,
      textStyle: { fontSize: 15 },
    },
    legend: { bottom: 8, itemWidth: 14 },
    grid: { left: 210, right: 48, top: 64, bottom: 76 },
    xAxis: { type: "log", name: "", axisLabel: { formatter: (/** @type {number} */ value) => `${value}` } },
    yAxis: { type: "category", inverse: true, data: jobs.map(({ job }) => job), axisTick: { show: false } },
    series: others.map(({ name, title }, i) => ({
      type: "bar",
      name: title,
      barGap: "10%",
      barCategoryGap: "22%",
      data: jobs.map(({ own, speeds }) => {
        const value = speeds.get(name);
        return value === undefined ? "-" : value / own;
      }),
      label: {
        show: true,
        position: "right",
        fontSize: 9,
        formatter: (/** @type {{ value?: unknown }} */ bar) =>
          typeof bar.value === "number" ? Number(bar.value.toPrecision(2)).toString() : "",
      },
      ...(i === 0 && {
        markLine: {
          symbol: "none",
          silent: true,
          label: { formatter: "Convoke" },
          lineStyle: { color: "#24292f", type: "solid" },
          data: [{ xAxis: 1 }],
        },
      }),
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}
