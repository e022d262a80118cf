import { cut } from './text.ts'

/** The key of a value in its container. */
export type Key = string | number

/** A container that is being converted, with its outer container. */
export interface Frame {
  value: object
  key: Key
  depth: number
  outer: Frame | null
}

const escaped = (key: Key) => cut(String(key), 200).replaceAll('~', '~0').replaceAll('/', '~1')

/** The JSON pointer of a key in its container. */
export function pointerOf (key: Key, frame: Frame | null): string {
  if (frame === null) return ''
  const keys = [escaped(key)]
  for (let one: Frame | null = frame; one !== null && one.outer !== null; one = one.outer) keys.push(escaped(one.key))
  return `/${keys.toReversed().join('/')}`
}
