// A small line chart in SVG: one series, its points faint and its running average strong.

export interface LineChartOptions {
  /** What it shows, for those who do not see it. */
  readonly label: string;
  readonly format: (value: number) => string;
  /** Keeps the vertical axis fixed; by default it starts at 0 and follows the largest value. */
  readonly range?: readonly [number, number];
  /** Shows a running average over about this many points. */
  readonly smoothing?: number;
}

interface Point {
  readonly x: number;
  readonly y: number;
  readonly smooth: number;
}

const HEIGHT = 200;
const MARGIN = { top: 10, right: 12, bottom: 24, left: 44 };
const SVG = "http://www.w3.org/2000/svg";

export class LineChart {
  readonly #container: HTMLElement;
  readonly #options: LineChartOptions;
  readonly #svg = create("svg", { class: "chart", role: "img" });
  readonly #axes = create("g", { class: "axes" });
  readonly #raw = create("path", { class: "raw" });
  readonly #line = create("path", { class: "line" });
  readonly #last = create("circle", { class: "last", r: 4 });
  readonly #cursor = create("g", { class: "cursor" });
  #points: Point[] = [];
  #largest = 0;
  #xMax = 1;
  #width = 0;
  #scheduled = false;

  constructor(container: HTMLElement, options: LineChartOptions) {
    this.#container = container;
    this.#options = options;
    this.#svg.append(this.#axes, this.#raw, this.#line, this.#last, this.#cursor);
    container.append(this.#svg);
    new ResizeObserver(() => this.#schedule()).observe(container);
    this.#svg.addEventListener("pointermove", (event) => this.#point(event.offsetX));
    this.#svg.addEventListener("pointerleave", () => this.#cursor.replaceChildren());
    this.#schedule();
  }

  /** Empties the chart; `xMax` is where the run will end. */
  reset(xMax: number): void {
    this.#points = [];
    this.#largest = 0;
    this.#xMax = Math.max(1, xMax);
    this.#cursor.replaceChildren();
    this.#schedule();
  }

  setEnd(xMax: number): void {
    this.#xMax = Math.max(1, xMax);
  }

  add(x: number, y: number): void {
    const before = this.#points.at(-1)?.smooth ?? y;
    // The average starts as that of the few points there are.
    const window = Math.min(this.#options.smoothing ?? 1, this.#points.length + 1);
    this.#largest = Math.max(this.#largest, y);
    this.#points.push({ x, y, smooth: before + (y - before) / window });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#draw();
    });
  }

  get #yRange(): readonly [number, number] {
    return this.#options.range ?? [0, niceCeiling(this.#largest === 0 ? 1 : this.#largest)];
  }

  #xOf(x: number): number {
    return MARGIN.left + (x / this.#xMax) * (this.#width - MARGIN.left - MARGIN.right);
  }

  #yOf(y: number): number {
    const [low, high] = this.#yRange;
    return HEIGHT - MARGIN.bottom - ((y - low) / (high - low)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  }

  #draw(): void {
    this.#width = Math.max(160, this.#container.clientWidth);
    set(this.#svg, { viewBox: `0 0 ${this.#width} ${HEIGHT}`, width: this.#width, height: HEIGHT });
    this.#drawAxes();
    const { smoothing, label, format } = this.#options;
    // More than one point for each pixel would only take time.
    const stride = Math.ceil(this.#points.length / this.#width);
    const shown = this.#points.filter((_, i) => i % stride === 0 || i === this.#points.length - 1);
    const path = (value: (point: Point) => number): string =>
      shown
        .map(
          (point, i) =>
            `${i === 0 ? "M" : "L"}${this.#xOf(point.x).toFixed(1)} ${this.#yOf(value(point)).toFixed(1)}`,
        )
        .join("");
    set(this.#raw, { d: smoothing === undefined ? "" : path(({ y }) => y) });
    set(this.#line, { d: path(({ smooth }) => smooth) });
    const last = this.#points.at(-1);
    this.#last.toggleAttribute("hidden", last === undefined);
    if (last !== undefined) set(this.#last, { cx: this.#xOf(last.x), cy: this.#yOf(last.smooth) });
    const now = last === undefined ? "no values yet" : `${format(last.smooth)} at step ${last.x}`;
    set(this.#svg, { "aria-label": `${label}: ${now}` });
  }

  #drawAxes(): void {
    const [low, high] = this.#yRange;
    const right = this.#width - MARGIN.right;
    const marks: SVGElement[] = [];
    const count = Math.round((high - low) / niceStep(high - low));
    for (let i = 0; i <= count; i++) {
      const value = low + ((high - low) * i) / count;
      const y = this.#yOf(value);
      marks.push(create("line", { x1: MARGIN.left, x2: right, y1: y, y2: y }));
      marks.push(text(this.#options.format(value), { x: MARGIN.left - 8, y: y + 4, "text-anchor": "end" }));
    }
    const y = HEIGHT - 6;
    marks.push(text("0", { x: MARGIN.left, y, "text-anchor": "start" }));
    marks.push(text(`step ${this.#xMax}`, { x: right, y, "text-anchor": "end" }));
    this.#axes.replaceChildren(...marks);
  }

  /** Shows the values at the point nearest to a place on the horizontal axis. */
  #point(offset: number): void {
    const distance = ({ x }: Point): number => Math.abs(this.#xOf(x) - offset);
    const [first, ...rest] = this.#points;
    if (first === undefined) return;
    const nearest = rest.reduce((best, point) => (distance(point) < distance(best) ? point : best), first);
    const x = this.#xOf(nearest.x);
    const isRight = x > this.#width / 2;
    const caption = `step ${nearest.x} · ${this.#options.format(nearest.smooth)}`;
    this.#cursor.replaceChildren(
      create("line", { x1: x, x2: x, y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom }),
      create("circle", { cx: x, cy: this.#yOf(nearest.smooth), r: 4 }),
      text(caption, {
        x: x + (isRight ? -8 : 8),
        y: MARGIN.top + 10,
        "text-anchor": isRight ? "end" : "start",
      }),
    );
  }
}

/** The distance between marks, of 1, 2, 2.5 or 5 times a power of ten, that gives about five of them. */
function niceStep(range: number): number {
  const power = 10 ** Math.floor(Math.log10(range / 5));
  const factor = [1, 2, 2.5, 5, 10].find((candidate) => candidate * power >= (range / 5) * 0.999) ?? 10;
  return factor * power;
}

/** The first mark that is not below `value`. */
function niceCeiling(value: number): number {
  const step = niceStep(value);
  return Math.ceil(value / step) * step;
}

type Attributes = Readonly<Record<string, string | number>>;

function create<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, name);
  set(element, attributes);
  return element;
}

function set(element: SVGElement, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
}

function text(content: string, attributes: Attributes): SVGElement {
  const element = create("text", attributes);
  element.textContent = content;
  return element;
}
