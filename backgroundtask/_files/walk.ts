import type { Stats } from 'node:fs'
import { codeOf } from '../_task/settings.ts'
import type { Folder, Identity } from './folder.ts'
import { sameFile } from './folder.ts'

const DEPTH = 64

/** Something met on a walk. `folder` is open only until the next one is asked for. */
export type Found =
  | { kind: 'file' | 'link' | 'special', path: string, name: string, folder: Folder, stat: Stats }
  /** Said after everything in it. */
  | { kind: 'folder', path: string, name: string, folder: Folder, stat: Stats }
  | { kind: 'unread', path: string, code: string }

export interface WalkAsk {
  breathe: () => Promise<void>
  /** Folders that are passed over. */
  except?: Identity[]
}

const kindOf = (stat: Stats) =>
  stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : stat.isSymbolicLink() ? 'link' : 'special'

/** Everything below an open folder, in the order of names, on its own device alone and through no link. What cannot
 *  be read is said and passed over; what has gone meanwhile is left out. */
export async function * walk (root: Folder, ask: WalkAsk, prefix = '', depth = 0): AsyncGenerator<Found> {
  for (const { name } of await root.entries()) {
    await ask.breathe()
    const path = prefix + name
    const stat = await root.stat(name)
    if (stat === null) continue
    const kind = kindOf(stat)
    if (kind !== 'folder') {
      yield { kind, path, name, folder: root, stat }
      continue
    }
    if (ask.except?.some(one => sameFile(one, stat))) continue
    if (stat.dev !== root.identity.dev || depth >= DEPTH) yield { kind: 'unread', path, code: depth >= DEPTH ? 'TOO_DEEP' : 'OTHER_DEVICE' }
    else yield * within({ root, name, path, stat, depth, ask })
  }
}

type Step = { root: Folder, name: string, path: string, stat: Stats, depth: number, ask: WalkAsk }

async function * within ({ root, name, path, stat, depth, ask }: Step): AsyncGenerator<Found> {
  const inner = await enter(root, name)
  if (typeof inner === 'string') {
    yield { kind: 'unread', path, code: inner }
    return
  }
  try {
    yield * walk(inner, ask, `${path}/`, depth + 1)
  } finally {
    await inner.close()
  }
  yield { kind: 'folder', path, name, folder: root, stat }
}

async function enter (root: Folder, name: string): Promise<Folder | string> {
  try {
    return await root.enter(name)
  } catch (error) {
    return codeOf(error)
  }
}

/** Does something in the folder at a path below an open one, entering part by part and through no link. */
export async function inFolder<T> (root: Folder, path: string, act: (folder: Folder) => Promise<T>): Promise<T> {
  const [first, ...rest] = path.split('/').filter(part => part !== '')
  if (first === undefined) return act(root)
  const inner = await root.enter(first)
  try {
    return await inFolder(inner, rest.join('/'), act)
  } finally {
    await inner.close()
  }
}
