import type { Arrows } from './imports.ts'

const SWEEPS = 6

/** All rooms that can be reached from a room. */
function reachedFrom (room: string, arrows: Arrows): Set<string> {
  const reached = new Set<string>()
  const visit = (from: string): void => {
    for (const next of arrows.get(from) ?? []) {
      if (reached.has(next)) continue
      reached.add(next)
      visit(next)
    }
  }
  visit(room)
  return reached
}

/** The arrows that no longer way stands for: of a → b, b → c and a → c the last one is left out. A circle stays. */
export function withoutShortcuts (arrows: Arrows): Arrows {
  const reached = new Map([...arrows.keys()].map(room => [room, reachedFrom(room, arrows)]))
  const isShortcut = (room: string, other: string) =>
    [...arrows.get(room)!].some(middle =>
      middle !== other && reached.get(middle)?.has(other) === true && !reached.get(middle)!.has(room) &&
      !(reached.get(other)?.has(middle) === true)
    )
  return new Map(
    [...arrows].map(([room, others]) => [room, new Set([...others].filter(other => !isShortcut(room, other)))] as const)
  )
}

/** How many steps a room is above the lowest; a circle counts once. */
function heightOf (room: string, arrows: Arrows, path: readonly string[] = []): number {
  const below = [...arrows.get(room) ?? []].filter(next => !path.includes(next) && next !== room)
  return Math.max(-1, ...below.map(next => heightOf(next, arrows, [...path, room]))) + 1
}

const mean = (numbers: readonly number[], otherwise: number): number =>
  numbers.length === 0 ? otherwise : numbers.reduce((sum, one) => sum + one, 0) / numbers.length

/** The rooms in layers, the highest first; in a layer each stands near those that it has arrows with. */
export function layersOf (rooms: readonly string[], arrows: Arrows): string[][] {
  const heights = new Map(rooms.map(room => [room, heightOf(room, arrows)]))
  const highest = Math.max(...heights.values())
  let layers = Array.from({ length: highest + 1 },
    (_, place) => rooms.filter(room => heights.get(room) === highest - place))
  const isJoined = (one: string, other: string) =>
    arrows.get(one)?.has(other) === true || arrows.get(other)?.has(one) === true
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const places = new Map(layers.flatMap(layer => layer.map((room, place) => [room, (place + 0.5) / layer.length])))
    const wish = (room: string) =>
      mean(rooms.filter(other => isJoined(room, other)).map(other => places.get(other)!), places.get(room)!)
    layers = layers.map(layer => layer.toSorted((a, b) => wish(a) - wish(b) || (a < b ? -1 : 1)))
  }
  return layers
}
