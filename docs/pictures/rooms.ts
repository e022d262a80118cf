import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { ROOT, arrowsBetween, ownImports, productFiles } from './imports.ts'
import { layersOf, withoutShortcuts } from './layers.ts'
import { roomTable, withTable } from './room-table.ts'
import type { Arrows, Import } from './imports.ts'

const SIGN = 7.4
const ROOM = { height: 28, gap: 14, rise: 30, padding: 10 }
const AREA = { padding: 16, head: 26, gap: 34, between: 28 }
const EDGE = 16

const STYLE = `
    .paper { fill: #ffffff }
    .area { fill: #f6f8fa; stroke: #d0d7de }
    .room { fill: #ffffff; stroke: #57606a }
    .arrow { fill: none; stroke: #8c959f; stroke-width: 1.2 }
    .way { fill: none; stroke: #0969da; stroke-width: 1.6 }
    .tip { fill: #8c959f }
    .way-tip { fill: #0969da }
    text { font: 12px ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #1f2328 }
    .head { font-weight: bold }
    .faint { fill: #656d76 }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0d1117 }
      .area { fill: #161b22; stroke: #30363d }
      .room { fill: #0d1117; stroke: #8d96a0 }
      .arrow { stroke: #6e7681 }
      .way { stroke: #4493f8 }
      .tip { fill: #6e7681 }
      .way-tip { fill: #4493f8 }
      text { fill: #e6edf3 }
      .faint { fill: #8d96a0 }
    }`

/** The areas from the highest floor to the lowest, those of a floor beside each other. */
const FLOORS = [
  ['core/cli'],
  ['core/server.ts'],
  ['plugins', 'backgroundtask'],
  ['core/*.ts', 'core/compose', 'core/simulate'],
  ['core/work'],
  ['core/engine', 'core/load', 'core/sense'],
  ['core/model']
]

/** The area of a file: the box that it is drawn in. */
export function areaOf (file: string): string {
  if (file === 'core/cli.ts') return 'core/cli'
  if (file === 'core/server.ts') return file
  const [top, second] = file.split('/') as [string, string]
  if (top !== 'core') return top
  return second.includes('.') ? 'core/*.ts' : `core/${second}`
}

/** The room of a file: its folder, or its area when it stands at the top of that. */
export const roomOf = (file: string): string => areaOf(file) === dirname(file) ? dirname(file) : roomBelow(file)

const roomBelow = (file: string): string => dirname(file) === 'core' ? areaOf(file) : dirname(file)

interface Box {
  name: string
  x: number
  y: number
  width: number
  height: number
}

interface Area extends Box {
  rooms: Box[]
  arrows: Arrows
}

const labelOf = (room: string, area: string) => room === area ? './' : room.slice(area.length + 1)

/** An area with its rooms in layers, at the origin. */
function areaBox (name: string, rooms: readonly string[], imports: readonly Import[]): Area {
  const inside = imports.filter(({ from, to }) => areaOf(from) === name && areaOf(to) === name)
  const arrows = arrowsBetween(inside, roomOf)
  const layers = rooms.length === 1 ? [[]] : layersOf(rooms, arrows)
  const widthOf = (room: string) => labelOf(room, name).length * SIGN + 2 * ROOM.padding
  const lengths = layers.map(layer => layer.reduce((sum, room) => sum + widthOf(room) + ROOM.gap, -ROOM.gap))
  const inner = Math.max(name.length * SIGN + 80, ...lengths)
  const boxes = layers.flatMap((layer, row) => {
    let x = AREA.padding + (inner - lengths[row]!) / 2
    return layer.map(room => {
      const box = {
        name: room,
        x,
        y: AREA.head + row * (ROOM.height + ROOM.rise),
        width: widthOf(room),
        height: ROOM.height
      }
      x += box.width + ROOM.gap
      return box
    })
  })
  const height = boxes.length === 0
    ? AREA.head + 10
    : AREA.head + layers.length * (ROOM.height + ROOM.rise) - ROOM.rise + AREA.padding
  return { name, x: 0, y: 0, width: inner + 2 * AREA.padding, height, rooms: boxes, arrows: withoutShortcuts(arrows) }
}

const moved = <T extends Box>(box: T, x: number, y: number): T => ({ ...box, x: box.x + x, y: box.y + y })

/** The areas in their places, and how wide and high all of them are. */
function placed (areas: ReadonlyMap<string, Area>): { areas: Area[], width: number, height: number } {
  const floors = FLOORS.map(names => names.flatMap(name => areas.get(name) ?? []))
  const widthOf = (floor: readonly Area[]) =>
    floor.reduce((sum, { width }) => sum + width + AREA.between, -AREA.between)
  const width = Math.max(...floors.map(widthOf))
  let y = EDGE
  const all = floors.flatMap(floor => {
    let x = EDGE + (width - widthOf(floor)) / 2
    const here = floor.map(area => {
      const box = { ...area, x, y, rooms: area.rooms.map(room => moved(room, x, y)) }
      x += area.width + AREA.between
      return box
    })
    y += Math.max(0, ...floor.map(({ height }) => height)) + AREA.gap
    return here
  })
  return { areas: all, width: width + 2 * EDGE, height: y - AREA.gap + EDGE }
}

const round = (value: number) => Number(value.toFixed(1))

/** An arrow from the lower edge of one box to the upper edge of another, or between boxes of a floor. */
function line (from: Box, to: Box, kind: 'arrow' | 'way'): string {
  const tip = `marker-end="url(#${kind === 'way' ? 'way-tip' : 'tip'})"`
  if (from.y === to.y) {
    const [a, b] = from.x < to.x ? [from.x + from.width, to.x - 2] : [from.x, to.x + to.width + 2]
    const y = round(from.y + from.height / 2 + (from.x < to.x ? -5 : 5))
    return `  <path class="${kind}" d="M${round(a)} ${y} L${round(b)} ${y}" ${tip}/>`
  }
  const [x1, y1, x2, y2] = [from.x + from.width / 2, from.y + from.height, to.x + to.width / 2, to.y - 3].map(
    round
  ) as [
    number,
    number,
    number,
    number
  ]
  const bend = round(Math.min(30, (y2 - y1) / 2))
  return `  <path class="${kind}" d="M${x1} ${y1} C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}" ${tip}/>`
}

function lines (boxes: readonly Box[], arrows: Arrows, kind: 'arrow' | 'way'): string[] {
  const byName = new Map(boxes.map(box => [box.name, box]))
  return [...arrows].flatMap(([name, others]) =>
    [...others].map(other => line(byName.get(name)!, byName.get(other)!, kind))
  )
}

const rect = ({ x, y, width, height }: Box, style: string) =>
  `  <rect class="${style}" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="5"/>`

function drawnArea (area: Area, files: number): string[] {
  const head = `  <text x="${round(area.x + 10)}" y="${round(area.y + 18)}"><tspan class="head">${area.name}</tspan>` +
    `<tspan class="faint"> ${files === 1 ? '' : files}</tspan></text>`
  const rooms = area.rooms.flatMap(room => [
    rect(room, 'room'),
    `  <text x="${round(room.x + room.width / 2)}" y="${round(room.y + 18)}" text-anchor="middle">${
      labelOf(room.name, area.name)
    }</text>`
  ])
  return [head, ...lines(area.rooms, area.arrows, 'arrow'), ...rooms]
}

const marker = (id: string) =>
  `<marker id="${id}" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="6" markerHeight="6" orient="auto">` +
  `<path class="${id}" d="M0 0 L8 4 L0 8 z"/></marker>`

/** The picture of the rooms: every arrow is one that the imports have, and those that a longer way stands for are left
 *  out. */
export function draw (files: readonly string[], imports: readonly Import[]): string {
  const byArea = Map.groupBy(files, areaOf)
  const boxes = new Map(
    [...byArea].map(([name, inside]) => [name, areaBox(name, [...new Set(inside.map(roomOf))], imports)] as const)
  )
  const { areas, width, height } = placed(boxes)
  const ways = lines(areas, withoutShortcuts(arrowsBetween(imports, areaOf)), 'way')
  const body = [
    ...areas.map(area => rect(area, 'area')),
    ...ways,
    ...areas.flatMap(area => drawnArea(area, byArea.get(area.name)!.length))
  ]
  const [w, h] = [Math.ceil(width), Math.ceil(height)]
  const size = `width="${w}" height="${h}" viewBox="0 0 ${w} ${h}"`
  const label = 'The rooms of offpeak and who imports whom'
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="${label}">
  <style>${STYLE}
  </style>
  <defs>${marker('tip')}${marker('way-tip')}</defs>
  <rect class="paper" width="${w}" height="${h}"/>
${body.join('\n')}
</svg>
`
}

const PAGE = join(ROOT, 'docs/explanation/architecture.md')

/** Draws the picture, and writes the table of the page. `node docs/pictures/rooms.ts FOLDER FILE` draws another
 *  checkout. */
if (import.meta.main) {
  const [root = ROOT, file = join(import.meta.dirname, 'rooms.svg')] = process.argv.slice(2).map(word => resolve(word))
  await writeFile(file, draw(productFiles(root), ownImports(root)))
  if (root === ROOT) await writeFile(PAGE, withTable(await readFile(PAGE, 'utf8'), roomTable()))
}
