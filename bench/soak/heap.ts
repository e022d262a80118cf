import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Snapshot {
  snapshot: { meta: { node_fields: string[], node_types: [string[]] } }
  nodes: number[]
  strings: string[]
}

/** Bytes and objects of each kind of object in a snapshot of the heap. */
function kinds (file: string): Map<string, { count: number, bytes: number }> {
  const { snapshot, nodes, strings } = JSON.parse(readFileSync(file, 'utf8')) as Snapshot
  const { node_fields: fields, node_types: [types] } = snapshot.meta
  const [type, name, size] = ['type', 'name', 'self_size'].map(field => fields.indexOf(field)) as [number, number,
    number]
  const found = new Map<string, { count: number, bytes: number }>()
  for (let at = 0; at < nodes.length; at += fields.length) {
    const kind = types[nodes[at + type]!]!
    // A string has its text as its name.
    const key = kind === 'object' || kind === 'closure' || kind === 'native'
      ? `${kind} ${strings[nodes[at + name]!]!.slice(0, 60)}`
      : kind
    const entry = found.get(key) ?? { count: 0, bytes: 0 }
    found.set(key, { count: entry.count + 1, bytes: entry.bytes + nodes[at + size]! })
  }
  return found
}

/** What has grown from the first to the last snapshot in a folder, the most first, in lines. */
export function grown (folder: string, most = 15): string[] {
  const files = globSync('*.heapsnapshot', { cwd: folder }).toSorted((a, b) =>
    Number.parseInt(a.split('.')[2]!) - Number.parseInt(b.split('.')[2]!)
  )
  if (files.length < 2) return []
  const [before, after] = [files[0]!, files.at(-1)!].map(file => kinds(join(folder, file))) as [
    ReturnType<typeof kinds>,
    ReturnType<typeof kinds>
  ]
  return [...after].map(([kind, { count, bytes }]) => ({
    kind,
    count: count - (before.get(kind)?.count ?? 0),
    bytes: bytes - (before.get(kind)?.bytes ?? 0)
  }))
    .filter(({ bytes }) => bytes > 0)
    .toSorted((a, b) => b.bytes - a.bytes)
    .slice(0, most)
    .map(({ kind, count, bytes }) => `heap: ${(bytes / 1000).toFixed(1)} kB more in ${count} more of ${kind}`)
}
