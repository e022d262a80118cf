const CHARACTER = 8.4
const LINE = 20
const EDGE = 20
const BAR = 34

const FONTS = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"

const STYLE = `
    .paper { fill: #ffffff; stroke: #d0d7de }
    .dot { fill: #d0d7de }
    text { fill: #1f2328; white-space: pre; font: 14px ${FONTS} }
    .head { font-weight: bold }
    .faint { fill: #656d76 }
    .closed { fill: #b35900 }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0d1117; stroke: #30363d }
      .dot { fill: #30363d }
      text { fill: #e6edf3 }
      .faint { fill: #8d96a0 }
      .closed { fill: #f0a050 }
    }`

/** How a line is set: `head` is bold, `faint` is grey, `closed` is in colour. */
export type Tone = 'head' | 'faint' | 'closed' | 'plain'

export interface Picture {
  /** Read by screen readers. */
  label: string
  lines: readonly string[]
  toneOf: (line: string, index: number) => Tone
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

function textOf (line: string, index: number, tone: Tone): string {
  const length = (line.length * CHARACTER).toFixed(1)
  const place = `x="${EDGE}" y="${BAR + (index + 1) * LINE - 6}" textLength="${length}" xml:space="preserve"`
  return `  <text${tone === 'plain' ? '' : ` class="${tone}"`} ${place}>${escaped(line)}</text>`
}

/** The lines of a terminal as an SVG that follows the light or dark scheme of the reader. */
export function draw ({ label, lines, toneOf }: Picture): string {
  const width = Math.ceil(Math.max(...lines.map(line => line.length)) * CHARACTER + 2 * EDGE)
  const height = BAR + lines.length * LINE + EDGE
  const texts = lines.flatMap((line, index) => line === '' ? [] : [textOf(line, index, toneOf(line, index))])
  const dots = [0, 1, 2].map(index => `  <circle class="dot" cx="${EDGE + index * 18 + 5}" cy="18" r="5"/>`)
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="${label}">
  <style>${STYLE}
  </style>
  <rect class="paper" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
${[...dots, ...texts].join('\n')}
</svg>
`
}
