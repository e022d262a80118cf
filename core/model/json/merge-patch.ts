import type { Json } from './json.ts'

type Members = Record<string, Json>

const isObject = (value: Json | undefined): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A value after a JSON merge patch, RFC 7396: members of objects are merged, null removes one, and everything else
 *  replaces what was there. */
export function mergePatch (target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch
  const before = isObject(target) ? target : {}
  const kept = Object.entries(before).filter(([name]) => !Object.hasOwn(patch, name))
  const changed = Object.entries(patch).filter(([, value]) => value !== null).map(([name, value]) =>
    [name, mergePatch(Object.hasOwn(before, name) ? before[name] : undefined, value)] as const
  )
  return Object.fromEntries([...kept, ...changed])
}
